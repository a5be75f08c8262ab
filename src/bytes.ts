import { invalid } from './options.ts'

/** A size: a number of bytes, or a text such as `'10mb'`. */
export type Bytes = number | string

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/** @throws {@link InvalidOptionError} unless it is a finite size of at least one byte. */
export function toBytes(size: unknown, option: string): number {
  const text = typeof size === 'number' || typeof size === 'string' ? String(size) : ''
  const [, amount = '', unit = ''] = (text.length < 40 && /^(\d+(?:\.\d+)?) ?([a-z]{0,2})$/i.exec(text)) || []
  const bytes = Number(amount || Number.NaN) * (UNITS[unit.toLowerCase()] ?? Number.NaN)
  return bytes >= 1 && bytes < Infinity
    ? Math.floor(bytes)
    : invalid(option, size, 'bytes > 0, or a text such as "10mb"')
}
