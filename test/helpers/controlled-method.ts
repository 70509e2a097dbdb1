import type {
  AuthenticatingClient,
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../src/kinds/authentication-method.ts'

/** One step that waits for the test's answer. */
export interface PendingStep {
  readonly client: AuthenticatingClient
  /** The Authentication Data as text. */
  readonly data: string
  answer(step: AuthenticationStep): void
  fail(error: Error): void
}

/** An authentication method whose duration the test controls. */
export class ControlledMethod implements AuthenticationMethod {
  readonly name = 'CONTROLLED'
  /** All requested steps, answered or not. */
  readonly steps: PendingStep[] = []
  #changed: (() => void)[] = []

  begin(client: AuthenticatingClient): AuthenticationExchange {
    return {
      step: (data) =>
        new Promise((answer, fail) => {
          this.steps.push({ client, data: Buffer.from(data ?? []).toString(), answer, fail })
          for (const resolve of this.#changed.splice(0)) resolve()
        }),
    }
  }

  /** The step with this number, from 0, once it is requested. */
  async step(number: number): Promise<PendingStep> {
    while (this.steps.length <= number) await new Promise<void>((resolve) => this.#changed.push(resolve))
    return this.steps[number]!
  }
}

/** Methods that break their contract. */
export const brokenMethod = (name: string, step: AuthenticationExchange['step'], begin = () => ({ step })) =>
  ({ name, begin }) satisfies AuthenticationMethod
