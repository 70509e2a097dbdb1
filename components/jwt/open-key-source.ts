import { KeyFile } from './key-file.ts'
import type { KeySource, KeySourceContext } from './key-source.ts'
import { RemoteKeys } from './remote-keys.ts'
import { secretKeys, type TrustedKeys } from './trusted-keys.ts'

/** @throws when a key of the config or of a file cannot be used. */
export const openKeySource = async (context: KeySourceContext): Promise<KeySource> => {
  const { config } = context
  if (config.jwksUrl !== undefined) return RemoteKeys.open(config.jwksUrl, context)
  if (config.secret === undefined) return KeyFile.open(context)
  return new SecretOfConfig(secretKeys(config.secret, config.secretIsBase64, config.algorithms))
}

class SecretOfConfig implements KeySource {
  readonly keys: TrustedKeys

  constructor(keys: TrustedKeys) {
    this.keys = keys
  }

  current(): TrustedKeys {
    return this.keys
  }

  async renew(): Promise<boolean> {
    return false
  }

  async refresh(): Promise<boolean> {
    return false
  }

  stop(): void {}
}
