import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { HandlerConfig } from './config.ts'

/** The Reason Code that the client gets. Without `explainRefusals`, Not authorized (0x87) becomes Unspecified error (0x80). */
export const toldReason = (reasonCode: ReasonCode, { explainRefusals }: HandlerConfig): ReasonCode =>
  reasonCode === ReasonCode.NotAuthorized && !explainRefusals ? ReasonCode.UnspecifiedError : reasonCode
