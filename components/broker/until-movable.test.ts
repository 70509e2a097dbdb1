/** A reset that swaps a broker waits for what cannot change hands. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { Router } from '../../src/kinds/router.ts'
import type { StoredRetained, StoredState } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { ImpatientRouter } from '../../test/helpers/impatient-router.ts'
import { RecordingRecipient } from '../../test/helpers/recording-recipient.ts'
import { providing, SlowStore } from '../../test/helpers/slow-store.ts'
import { quietSystem } from '../../test/helpers/start-broker.ts'
import type { LocalBroker } from './local-broker.ts'

/** More than the start of a broker waits for. */
const PAGES = 12

/** A store that gives its last pages of retained messages when the test says so. */
class PagedStore extends SlowStore {
  release: () => void = () => undefined

  override restore(): StoredState {
    return { ...super.restore(), retained: this.#pages() }
  }

  async *#pages(): AsyncGenerator<readonly StoredRetained[]> {
    for (let page = 0; page < PAGES; page += 1) {
      if (page === PAGES - 1) await new Promise<void>((resolve) => (this.release = resolve))
      yield [{ message: Message.of({ topic: `kept/${page}`, payload: Buffer.from('x'), retain: true }) }]
    }
  }
}

let end: () => Promise<void>
afterEach(() => end())

const start = async (config: object = {}, startDeadlineMs = 60_000) => {
  const store = new PagedStore({ automatic: true })
  const base = { ...quietSystem, store: { component: providing(store) }, ...config }
  const system = createSystem(base as unknown as typeof quietSystem)
  await system.start()
  end = async () => {
    store.release()
    await system.stop()
  }
  const edit = (name: 'broker' | 'router', component: object = base[name].component) => {
    const entry = { ...base[name], component: { ...component }, startDeadlineMs }
    return system.apply({ ...base, [name]: entry } as typeof quietSystem)
  }
  return { system, store, edit }
}
/** Whether a promise is settled after some turns. */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false
  const note = () => {
    settled = true
  }
  promise.then(note, note)
  for (let turn = 0; turn < 50; turn += 1) await nextTurn()
  return settled
}

it('until the retained messages of the store are read', async () => {
  const { system, store, edit } = await start()
  const former = system.map.broker
  const reset = edit('broker')
  expect(await isSettled(reset)).toBe(false)
  expect(system.map.broker).toBe(former)
  store.release()
  expect((await reset).errors).toEqual([])
  expect(system.map.broker).not.toBe(former)
  expect([...system.map.broker.retained('kept/#')]).toHaveLength(PAGES)
})

it('not longer than the deadline of a start: the reset fails then, and the next one works', async () => {
  const { system, store, edit } = await start({}, 100)
  const former = system.map.broker
  await expect(edit('broker')).rejects.toMatchObject({ code: 'RESET_FAILED', component: 'broker', phase: 'prepare' })
  expect(system.map.broker).toBe(former)
  store.release()
  await eventually(() => expect((former as LocalBroker).core.retained.isRestoring).toBe(false))
  await edit('broker')
  expect(system.map.broker).not.toBe(former)
})

it.each(['broker', 'router'] as const)('until a message is passed on to all its subscribers: %s', async (name) => {
  const router = defineComponent({
    provides: Router,
    needs: {},
    config: z.strictObject({}),
    start: () => new ImpatientRouter(5, 1),
    handover: quietSystem.router.component.handover as never,
  })
  const { system, store, edit } = await start({ router: { component: router } })
  store.release()
  const { core } = system.map.broker as LocalBroker
  await eventually(() => expect(core.retained.isRestoring).toBe(false))
  const recipients = Array.from({ length: 40 }, (_, n) => new RecordingRecipient(`c${n}`))
  const request = { owner: undefined, cleanStart: true, expiryIntervalSeconds: 0, receiveMaximum: 100, will: undefined }
  const sessions = recipients.map((recipient) => {
    const { session } = core.forClients.open(recipient, { ...request, identity: recipient.identity })!
    session.subscribe({ filter: 'a', qos: 0, noLocal: false, retainAsPublished: true, identifier: 0 }, 0)
    return session
  })
  sessions[0]!.publish(Message.of({ topic: 'a', payload: Buffer.from('x') }), true)
  expect(core.publications.count).toBe(1)
  const report = await edit(name, name === 'router' ? router : undefined)
  expect(report.errors).toEqual([])
  expect(core.publications.count).toBe(0)
  expect(recipients.map(({ sent }) => sent.length)).toEqual(recipients.map(() => 1))
})
