import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Recipient, RecipientDescription, RecipientInfo } from '../../src/kinds/recipient.ts'

/** The recipient of the session while it is opened before there is a connection: it takes nothing. */
export class AwayRecipient implements Recipient {
  readonly isVersion5 = true
  readonly sendable = false
  readonly identity: Identity
  readonly #description: RecipientDescription

  constructor(identity: Identity, description: RecipientDescription) {
    this.identity = identity
    this.#description = description
  }

  prepare(): undefined {
    return undefined
  }

  sendPublish(): void {}

  deliverQoS0(): void {}

  deliverRun(): boolean {
    return false
  }

  takesRun(): boolean {
    return false
  }

  sendRun(): boolean {
    return false
  }

  sendPubrel(): void {}

  chargeWork(): void {}

  pauseForPublication(): void {}

  resumeAfterPublication(): void {}

  releaseAnswers(): boolean {
    return false
  }

  disconnect(): void {}

  describe(): RecipientDescription {
    return this.#description
  }

  info(): RecipientInfo {
    return { protocolVersion: 5, connectedAtMs: 0, keepAliveSeconds: 0, pendingBytes: 0, bytesReceived: 0 }
  }
}
