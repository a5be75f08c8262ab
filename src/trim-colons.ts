/** A prefix as it stands before the first colon of a name. */
export function trimColons(prefix: string): string {
  return prefix.replace(/:+$/, '')
}
