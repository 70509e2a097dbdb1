import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type {
  AuthenticatingClient,
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../src/kinds/authentication-method.ts'
import { peerAt } from '../helpers/peer-at.ts'

const client: AuthenticatingClient = { clientId: 'c', userName: undefined, peer: peerAt('127.0.0.1:50000') }

/** The client's side of an exchange. */
export interface ExchangePartner {
  /** The Authentication Data of CONNECT. */
  first(): Uint8Array | undefined
  /** That of the AUTH packet which answers the server's data. */
  answer(data: Uint8Array): Uint8Array
}

export interface MethodUnderTest {
  create(): AuthenticationMethod | Promise<AuthenticationMethod>
  /** A client that is let in. */
  genuine(): ExchangePartner
  /** The user that it is. */
  readonly userName: string
  /** Clients that are not, by why. */
  readonly impostors: Readonly<Record<string, () => ExchangePartner>>
}

/** More steps than any method needs. */
const maximumSteps = 20

/** Runs an exchange to its end. @param log gets every message of the client. */
const exchangeWith = async (
  exchange: AuthenticationExchange,
  partner: ExchangePartner,
  log: (Uint8Array | undefined)[] = [],
): Promise<AuthenticationStep> => {
  let data = partner.first()
  for (let step = 0; step < maximumSteps; step += 1) {
    log.push(data)
    const answer = await exchange.step(data)
    if (answer.result !== 'continue') return answer
    data = partner.answer(answer.data)
  }
  throw new Error('The exchange does not end.')
}

const failed = { result: 'failure', reasonCode: expect.any(Number), why: expect.stringMatching(/./) }

/** What every AuthenticationMethod must do. */
export const authenticationMethodContract = (name: string, test: MethodUnderTest): void => {
  describe(`${name} as an AuthenticationMethod`, () => {
    let method: AuthenticationMethod
    beforeEach(async () => {
      method = await test.create()
    })
    const expectFailure = (step: AuthenticationStep) => {
      expect(step).toEqual(failed)
      if (step.result === 'failure') expect(step.reasonCode).toBeGreaterThanOrEqual(0x80)
    }

    it('has a name that an Authentication Method may have', () => {
      expect(method.name).toMatch(/^[\x21-\x7e]+$/)
    })

    it('accepts a genuine client, reports its user, and does so repeatedly', async () => {
      for (let round = 0; round < 2; round += 1) {
        const step = await exchangeWith(method.begin(client), test.genuine())
        expect(step).toMatchObject({ result: 'success', userName: test.userName })
      }
    })

    it.each(Object.keys(test.impostors))('refuses a client with %s', async (why) => {
      expectFailure(await exchangeWith(method.begin(client), test.impostors[why]!()))
    })

    it('does not continue an exchange that is over, with success or failure', async () => {
      for (const make of [test.genuine, ...Object.values(test.impostors)]) {
        const exchange = method.begin(client)
        const log: (Uint8Array | undefined)[] = []
        await exchangeWith(exchange, make(), log)
        for (const data of [...log, log.at(-1), undefined]) expectFailure(await exchange.step(data))
        expectFailure(await exchangeWith(exchange, test.genuine()))
      }
    })

    it('keeps exchanges at the same time apart', async () => {
      const [first, second] = [method.begin(client), method.begin(client)]
      const [partner, impostor] = [test.genuine(), Object.values(test.impostors)[0]!()]
      const step = await first.step(partner.first())
      expectFailure(await exchangeWith(second, impostor))
      const last =
        step.result === 'continue'
          ? await exchangeWith(first, {
              first: () => partner.answer(step.data),
              answer: (data) => partner.answer(data),
            })
          : step
      expect(last).toMatchObject({ result: 'success', userName: test.userName })
    })

    it('keeps nothing of the bytes that it was lent', async () => {
      const exchange = method.begin(client)
      const partner = test.genuine()
      const lent = (data: Uint8Array) => Uint8Array.from(data)
      let data = partner.first()
      for (let step = 0; step < maximumSteps; step += 1) {
        const copy = data === undefined ? undefined : lent(data)
        const answer = await exchange.step(copy)
        copy?.fill(0xff)
        if (answer.result !== 'continue') {
          expect(answer.result).toBe('success')
          return
        }
        data = partner.answer(answer.data)
      }
    })

    it('fails at data that is missing or empty, in every step, without throwing', async () => {
      for (const data of [undefined, new Uint8Array(0)]) {
        expectFailure(await method.begin(client).step(data))
        const exchange = method.begin(client)
        const step = await exchange.step(test.genuine().first())
        if (step.result === 'continue') expectFailure(await exchange.step(data))
      }
    })

    it('fails at data of any other kind, without throwing', async () => {
      const { first, answer } = ((partner) => ({
        first: partner.first() ?? new Uint8Array(0),
        answer: (data: Uint8Array) => partner.answer(data),
      }))(test.genuine())
      const broken = (bytes: Uint8Array, at: number, to: number) => bytes.map((byte, i) => (i === at ? to : byte))
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(300), fc.nat(255), async (bytes, at, to) => {
          expectFailure(await method.begin(client).step(bytes))
          const exchange = method.begin(client)
          const step = await exchange.step(broken(first, at, to))
          if (step.result !== 'continue') return
          expectFailure(await exchange.step(bytes))
          const other = method.begin(client)
          const challenge = await other.step(first)
          if (challenge.result !== 'continue') return
          const right = answer(challenge.data)
          const wrong = broken(right, at % right.length, to)
          if (Buffer.compare(right, wrong) !== 0) expectFailure(await other.step(wrong))
        }),
        { numRuns: 50 },
      )
    })

    it('fails at 65,535 bytes', async () => {
      const exchange = method.begin(client)
      expectFailure(await exchange.step(Buffer.alloc(65_535, 'n')))
      const other = method.begin(client)
      const step = await other.step(test.genuine().first())
      if (step.result === 'continue') expectFailure(await other.step(Buffer.alloc(65_535, 'c')))
    })
  })
}
