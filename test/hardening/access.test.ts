import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { AclFile } from '../../components/acl-file/acl-file.ts'
import { aclFile } from '../../components/acl-file/index.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { arena, VERSIONS } from './arena.ts'
import { type Attacker, type ConnectFields, connectNotation, noProperties } from './attacker.ts'

/** The bystander has no user name, and its topics. */
const BYSTANDER = 'topic bystander/#\n'
const ACL = `${BYSTANDER}user ann\ntopic open/#\ntopic secret/#\nuser bob\ntopic read open/#\ntopic write inbox\npattern own/%c/#\npattern users/%u/#\n`
const WITHOUT_SECRET = ACL.replace('topic secret/#', 'topic deny secret/#')

const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-access-'))
const file = join(folder, 'acl')
writeFileSync(file, ACL)
afterAll(() => rmSync(folder, { recursive: true }))

const withAcl = (config: object) => ({
  acl: { component: aclFile, config, dependencies: { logger: 'logger' } },
  broker: { ...quietSystem.broker, dependencies: { ...quietSystem.broker.dependencies, authorizers: ['acl'] } },
})
/** A file that is refused is an error in the log. */
const attack = arena({ entries: withAcl({ file, watchIntervalMs: 86_400_000 }), faulty: true })

let writes = 0
/** Puts rules into the file, which the broker looks at. A comment makes each file differ in its size. */
const rule = async (text: string): Promise<void> => {
  writes += 1
  await writeFile(file, `${text}\n#${'x'.repeat(writes)}\n`)
  await (attack.broker.map as unknown as { acl: AclFile }).acl.look()
}
beforeEach(() => rule(ACL))

/** A client that gives a user name. */
const as = (user: string, version: (typeof VERSIONS)[number], fields: ConnectFields = {}): ConnectFields => ({
  ...fields,
  flags: 0x80 | (fields.flags ?? 0),
  payload: `${fields.payload ?? ''} "${user}"`,
  // In MQTT 5.0 a session that outlives the connection says so.
  ...(fields.clean === false && version === 5 && { properties: '11 000000ff' }),
})
const publish = (client: Attacker, topic: string, payload = '78', retain = false): Attacker =>
  client.send(`${retain ? '31' : '30'} @ "${topic}" ${noProperties(client.version)} ${payload}`)
const publishAcknowledged = async (client: Attacker, topic: string): Promise<void> => {
  client.send(`32 @ "${topic}" 0007 ${noProperties(client.version)} 78`)
  expect(await client.packet()).toMatch(/^40..0007/)
}
const granted = async (client: Attacker, filter: string, options = '00'): Promise<boolean> => {
  client.send(`82 @ 0009 ${noProperties(client.version)} "${filter}" ${options}`)
  return /^90..0009(00)?0[012]$/.test(await client.packet())
}
const holds = (packets: readonly string[], topic: string): boolean =>
  packets.some((packet) => packet.includes(Buffer.from(topic).toString('hex')))

describe.each(VERSIONS)('access control in version %i', (version) => {
  const connected = (user: string, fields?: ConnectFields) => attack.connected(version, as(user, version, fields))
  const will = (topic: string, retain = false): ConnectFields => ({
    flags: retain ? 0x24 : 0x04,
    payload: `${noProperties(version)} "${topic}" <78>`,
  })

  it('refuses a client whose Will may not be published', async () => {
    const witness = await connected('ann')
    await witness.subscribe('open/#')
    const attacker = await attack.open(version)
    attacker.send(connectNotation(version, as('bob', version, will('open/will', true))))
    await attacker.isRefused('NotAuthorized', 5)
    expect(await witness.untilPing()).toEqual([])
  })

  it('drops a Will that may no longer be published when it is due', async () => {
    const witness = await connected('ann')
    await witness.subscribe('open/#')
    const attacker = await connected('ann', will('open/will', true))
    await rule(ACL.replace('topic open/#', 'topic read open/#'))
    await attacker.send('00 00').rest()
    expect(await witness.untilPing()).toEqual([])
    expect(attack.broker.map.broker.retained('open/#')).toEqual([])
  })

  it('ends a subscription when it is revoked, plain and shared, and delivers nothing of it', async () => {
    const attacker = await connected('ann')
    await attacker.subscribe('secret/#')
    if (version === 5) await attacker.subscribe('$share/g/secret/#')
    const { id } = [...attack.broker.map.broker.clients()].at(-1)!
    const filters = () => attack.broker.map.broker.session(id)!.subscriptions.map(({ filter }) => filter)
    expect(filters()).toHaveLength(version === 5 ? 2 : 1)
    await rule(WITHOUT_SECRET)
    expect(filters()).toEqual([])
    attack.broker.map.broker.publish({ topic: 'secret/a', payload: 'x' })
    expect(await attacker.untilPing()).toEqual([])
    expect(await granted(attacker, 'secret/#')).toBe(false)
  })

  it.runIf(version === 5)(
    'lets no member of a Shared Subscription take messages away that it may not get',
    async () => {
      const [attacker, member] = [await connected('bob'), await connected('ann', { clientId: 'member' })]
      for (const client of [attacker, member]) expect(await granted(client, '$share/g/#')).toBe(true)
      const topics = Array.from({ length: 6 }, (_, index) => `secret/${index}`)
      for (const topic of topics) attack.broker.map.broker.publish({ topic, payload: 'x' })
      const packets = await member.untilPing()
      expect(topics.filter((topic) => !holds(packets, topic))).toEqual([])
      expect(await attacker.untilPing()).toEqual([])
    },
  )

  it('delivers no message that was queued, in flight or retained before the right was revoked', async () => {
    const clientId = `away ${version}`
    const absent = await connected('ann', { clientId, clean: false })
    await absent.subscribe('secret/#', '01')
    await absent.subscribe('open/#', '01')
    const publisher = await connected('ann')
    await publishAcknowledged(publisher, 'secret/inflight')
    // Sent, and not acknowledged.
    expect(await absent.packet()).toMatch(/^32/)
    await absent.send('e0 00').rest()
    await publishAcknowledged(publisher, 'secret/queued')
    await publishAcknowledged(publisher, 'open/queued')
    publish(publisher, 'secret/retained', '78', true)
    await publisher.isAlive()
    await rule(WITHOUT_SECRET)
    const again = await connected('ann', { clientId, clean: false })
    const packets = await again.untilPing()
    expect([holds(packets, 'open/queued'), holds(packets, 'secret/')]).toEqual([true, false])
    again.send(`82 @ 0009 ${noProperties(version)} "#" 01`)
    expect(holds(await again.untilPing(), 'secret/')).toBe(false)
    attack.broker.map.broker.deleteRetained('secret/retained')
  })

  it('gives no retained message whose publisher has lost the right', async () => {
    const attacker = await connected('ann')
    publish(attacker, 'open/planted', '78', true)
    await attacker.isAlive()
    const witness = await connected('bob')
    const planted = async () => {
      witness.send(`82 @ 0009 ${noProperties(version)} "open/#" 00`)
      return holds(await witness.untilPing(), 'open/planted')
    }
    expect(await planted()).toBe(true)
    await rule(ACL.replace('topic open/#', 'topic read open/#'))
    expect(await planted()).toBe(false)
    attack.broker.map.broker.deleteRetained('open/planted')
  })

  it('does not use cached answers from before for publishers', async () => {
    const witness = await connected('ann')
    await witness.subscribe('open/#')
    const attacker = await connected('ann')
    for (let round = 0; round < 3; round += 1) publish(attacker, 'open/a')
    await attacker.isAlive()
    expect((await witness.untilPing()).length).toBe(3)
    await rule(ACL.replace('topic open/#', 'topic read open/#'))
    for (let round = 0; round < 3; round += 1) publish(attacker, 'open/a')
    await attacker.isAlive()
    expect(await witness.untilPing()).toEqual([])
  })

  it.each(['+', '#', 'a/b', '+/x', 'a/#', '/', '%u', '%c'])(
    'gives a client named %s no topics of others',
    async (name) => {
      const victim = await connected('victim', { clientId: 'victim' })
      await victim.subscribe('own/victim/#')
      await victim.subscribe('users/victim/#')
      const attacker = await connected(name, { clientId: name })
      for (const filter of ['own/victim/a', 'own/#', 'own/+/a', 'users/victim/a', 'users/#', 'users/+/a', '#']) {
        await granted(attacker, filter)
      }
      for (const topic of ['own/victim/a', 'users/victim/a']) publish(attacker, topic)
      await attacker.isAlive()
      expect(await victim.untilPing()).toEqual([])
      for (const topic of ['own/victim/a', 'users/victim/a']) publish(victim, topic)
      expect((await victim.untilPing()).length).toBe(2)
      expect(await attacker.untilPing()).toEqual([])
    },
  )

  it('gives a client without a user name nothing by a pattern with the user name', async () => {
    const attacker = await attack.connected(version)
    const results = []
    for (const filter of ['users/#', 'users//a', 'users/undefined/a', 'users/null/a']) {
      results.push(await granted(attacker, filter))
    }
    expect(results).toEqual([false, false, false, false])
  })

  it('denies everything by a file without rules', async () => {
    const attacker = await connected('ann')
    await rule(BYSTANDER)
    const results = []
    for (const filter of ['open/a', '#', '$SYS/#']) results.push(await granted(attacker, filter))
    expect(results).toEqual([false, false, false])
  })

  it('keeps the previous rules in force when the file is damaged', async () => {
    const attacker = await connected('bob')
    await rule(`${ACL}topic\nlistener 1883`)
    expect(attack.log.at('error').at(-1)?.message).toMatch(/line 10: a topic is missing\n {2}line 11: 'listener'/)
    expect(await granted(attacker, 'secret/a')).toBe(false)
    expect(await granted(attacker, 'open/a')).toBe(true)
  })
})

it('a broker whose rules cannot be read does not start', async () => {
  const damaged = join(folder, 'damaged')
  writeFileSync(damaged, 'topic reed a\n')
  const system = createSystem({ ...quietSystem, ...withAcl({ file: damaged }) })
  await expect(system.start()).rejects.toThrow(/line 1: 'reed' is not read, write, readwrite or deny/)
})
