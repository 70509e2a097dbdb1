import { setInterval } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { after } from '../helpers/after.ts'
import { eventually, withinRealTime } from '../helpers/eventually.ts'
import { arena, VERSIONS } from './arena.ts'
import { connectNotation, noProperties } from './attacker.ts'

const attack = arena({ concurrent: true, handler: { connectDeadlineMs: 1_000, maximumKeepAliveSeconds: 1 } })

/** Sends bytes one at a time, some milliseconds apart, until the connection closes. */
const dribble = async (attacker: Awaited<ReturnType<typeof attack.open>>, bytes: Buffer, everyMs: number) => {
  let isOpen = true
  void attacker.raw.closed.then(() => {
    isOpen = false
  })
  let position = 0
  for await (const _ of setInterval(everyMs)) {
    if (!isOpen) return
    attacker.raw.socket.write(bytes.subarray(position, ++position))
  }
}

describe.concurrent('CONNECT', () => {
  it('that comes byte by byte has to be there in time', async () => {
    const attackers = await Promise.all(Array.from({ length: 20 }, () => attack.open()))
    const slow = Buffer.from('10ffff030004', 'hex')
    // Without a deadline for the whole packet this would never end.
    await Promise.all(attackers.map((attacker) => dribble(attacker, slow, 20)))
    for (const attacker of attackers) expect(await attacker.rest()).toEqual([])
  })

  it('that never comes is not waited for', async () => {
    const attackers = await Promise.all(Array.from({ length: 50 }, () => attack.open()))
    for (const attacker of attackers) expect(await attacker.rest()).toEqual([])
  })
})

describe.concurrent('Keep Alive in all versions', () => {
  const everyVersion = (test: (version: ProtocolVersion) => Promise<void>) => Promise.all(VERSIONS.map(test))

  it('is not kept by a packet that never ends', () =>
    everyVersion(async (version) => {
      const isDue = after(1_450)
      const attacker = await attack.connected(version, { keepAliveSeconds: 1 })
      const endless = Buffer.concat([Buffer.from('30ff7f0001', 'hex'), Buffer.alloc(10_000, 'x')])
      await dribble(attacker, endless, 50)
      expect(isDue()).toBe(true)
      expect(await attacker.isThrownOut('KeepAliveTimeout')).toEqual([])
    }))

  it('is kept by whole packets', withinRealTime, () =>
    everyVersion(async (version) => {
      const attacker = await attack.connected(version, { keepAliveSeconds: 1 })
      let pings = 0
      for await (const _ of setInterval(300)) {
        await attacker.isAlive()
        if (++pings === 6) break
      }
    }),
  )

  it('of 0 or 18 hours is limited to the maximum in versions with Server Keep Alive', async () => {
    const attackers = await Promise.all([
      attack.connected(5, { keepAliveSeconds: 0 }),
      attack.connected(5, { keepAliveSeconds: 0xffff }),
    ])
    for (const attacker of attackers) await attacker.isThrownOut('KeepAliveTimeout')
  })
})

it.concurrent('Server Keep Alive tells an MQTT 5.0 client what it is held to [MQTT-3.1.2-21]', async () => {
  const attacker = await attack.open(5)
  attacker.send(connectNotation(5, { keepAliveSeconds: 0xffff }))
  expect(await attacker.packet()).toContain('130001')
})

it.concurrent('a clock that steps back or ahead does not end or prolong anything', withinRealTime, async () => {
  const properties = '11 00000002'
  const none = noProperties(5)
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    vi.setSystemTime(new Date('2001-01-01'))
    const absent = await attack.connected(5, { clientId: 'absent', properties, keepAliveSeconds: 1 })
    await absent.subscribe('clock', '01')
    await absent.send('e0 00').rest()
    const publisher = await attack.connected(5, { keepAliveSeconds: 1 })
    publisher.send('32 @ "clock" 0001 [02 00000009] \'x\'')
    expect(await publisher.packet()).toBe('40020001')
    vi.setSystemTime(new Date('2099-01-01'))

    // Neither the session nor the message is old.
    const again = await attack.open(5)
    again.send(connectNotation(5, { clientId: 'absent', clean: false, properties }))
    expect(await again.packet()).toMatch(/^20..0100/)
    expect(await again.packet()).toMatch(/^32..0005636c6f636b00010502000000\d978$/)
    vi.setSystemTime(new Date('1970-01-01'))
    // Silence is still noticed.
    await again.isThrownOut('KeepAliveTimeout')
    await eventually(async () => {
      const last = await attack.open(5)
      last.send(connectNotation(5, { clientId: 'absent', clean: false, properties }))
      const connack = await last.packet()
      last.send(`e0 @ 00 ${none}`)
      await last.rest()
      expect(connack).toMatch(/^20..0000/)
    }, 2_600)
  } finally {
    vi.useRealTimers()
  }
})
