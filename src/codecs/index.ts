/**
 * What happens to values between the serializer and L2.
 *
 * @module
 */
export type { CodecStage, PayloadCodec, PayloadPlace } from './codec.ts'
export { compression, type CompressionOptions } from './compression.ts'
export {
  encryption,
  type EncryptionKey,
  type EncryptionOptions,
  type EncryptionSecret,
} from './encryption.ts'
export { codecs } from './pipeline.ts'
