import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { HandlerConfig } from './config.ts'

/** What a client is told of a Reason Code: a config that explains no refusals has Unspecified error for Not authorized. */
export const toldReason = (reasonCode: ReasonCode, { explainRefusals }: HandlerConfig): ReasonCode =>
  reasonCode === ReasonCode.NotAuthorized && !explainRefusals ? ReasonCode.UnspecifiedError : reasonCode
