import type { Delivery, SteppedPublish, Subscriber } from '../../src/kinds/router.ts'
import { isRefusedDelivery, workOfDelivery } from '../../src/mqtt/delivery-result.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Route, Target } from '../../src/mqtt/route.ts'
import type { RouteCompilation } from '../../src/mqtt/route-compilation.ts'

/** A message on its way to its subscribers in steps: first the steps that make its route, then those that deliver. */
export class LocalSteppedPublish implements SteppedPublish {
  readonly #message: Message
  readonly #publisher: Subscriber | undefined
  readonly #compilation: RouteCompilation | undefined
  readonly #onRouted: (route: Route) => void
  #route: Route | undefined
  #nextTarget = 0
  #nextShared = 0
  #subscribers = 0
  #refused = 0

  /**
   * @param route if it is known; otherwise `compilation` makes it.
   * @param onRouted called when that has made it.
   */
  constructor(
    message: Message,
    publisher: Subscriber | undefined,
    route: Route | undefined,
    compilation: RouteCompilation | undefined,
    onRouted: (route: Route) => void,
  ) {
    this.#message = message
    this.#publisher = publisher
    this.#route = route
    this.#compilation = compilation
    this.#onRouted = onRouted
  }

  get isRouted(): boolean {
    return this.#route !== undefined
  }

  get isDone(): boolean {
    const route = this.#route
    if (route === undefined) return false
    return this.#nextTarget >= route.targets.length && this.#nextShared >= route.shared.length
  }

  get subscribers(): number {
    return this.#subscribers
  }

  get refused(): number {
    return this.#refused
  }

  step(units: number): number {
    return this.#route === undefined ? this.#find(units) : this.#deliver(this.#route, units)
  }

  #find(units: number): number {
    const work = this.#compilation!.step(units)
    this.#route = this.#compilation!.route
    if (this.#route !== undefined) this.#onRouted(this.#route)
    return work
  }

  #deliver({ targets, shared }: Route, units: number): number {
    const message = this.#message
    const bytesUnits = message.size >> 10
    let work = 0
    while (this.#nextTarget < targets.length && work < units) {
      const target = targets[this.#nextTarget]!
      this.#nextTarget += 1
      work += 1
      const applies = deliveryTo(this.#publisher, target)
      // It may have unsubscribed since the last step [MQTT-3.10.4-2], or be no more.
      if (applies === undefined || target.subscriptions.get(target.subscriber) === undefined) continue
      const result = target.subscriber.deliver(message, applies)
      work += workOfDelivery(result) + bytesUnits
      this.#subscribers += 1
      if (isRefusedDelivery(result)) this.#refused += 1
    }
    while (this.#nextTarget >= targets.length && this.#nextShared < shared.length && work < units) {
      const result = shared[this.#nextShared]!.deliver(message)
      this.#nextShared += 1
      work += 1 + workOfDelivery(result)
      if (result === 0) continue
      work += bytesUnits
      this.#subscribers += 1
      if (isRefusedDelivery(result)) this.#refused += 1
    }
    return work
  }
}

/** How a subscriber gets a message: those with No Local do not count for its publisher [MQTT-3.8.3-3]. */
export const deliveryTo = (
  publisher: Subscriber | undefined,
  { subscriber, delivery, own }: Target,
): Delivery | undefined => (subscriber === publisher ? own : delivery)
