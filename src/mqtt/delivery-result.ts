/**
 * What came of a delivery to one subscriber, and the work that it was. It is a single number, so that a delivery makes no object:
 * the work in units of `Connection.chargeWork`, at least 1, which is negative if the full queue of the subscriber refused the
 * message. A subscriber that refuses nothing returns its work.
 */
export type DeliveryResult = number

/** The result of a delivery that the subscriber refused. @param work in units, at least 1. */
export const refusedDelivery = (work: number): DeliveryResult => -work

/** Whether the full queue of the subscriber refused the message. */
export const isRefusedDelivery = (result: DeliveryResult): boolean => result < 0

/** The work of a delivery, in units. */
export const workOfDelivery = (result: DeliveryResult): number => (result < 0 ? -result : result)

/** The same result after more work. @param work in units. */
export const withWork = (result: DeliveryResult, work: number): DeliveryResult =>
  result < 0 ? result - work : result + work
