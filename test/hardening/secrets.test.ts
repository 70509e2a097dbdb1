import { expect, it } from 'vitest'
import { quietSystem } from '../helpers/start-broker.ts'
import { arena, VERSIONS } from './arena.ts'
import { connectNotation, noProperties } from './attacker.ts'

const attack = arena({
  entries: {
    packetLog: { ...quietSystem.packetLog, enabled: true, config: { level: 'info' } },
  },
})

const SECRET = 'sesame'
const hexSecret = Buffer.from(SECRET).toString('hex')

it.each(VERSIONS)('no password or payload gets into the log, in version %i', async (version) => {
  const none = noProperties(version)
  const payload = `${none} "will" <${hexSecret}> "ann" <${hexSecret}>`
  const attacker = await attack.connected(version, { flags: 0xc4, payload })
  await attacker.subscribe('a', '02')
  attacker.send(
    `30 @ "a" ${none} '${SECRET}'`,
    `33 @ "a" 0001 ${none} '${SECRET}'`,
    `34 @ "a" 0002 ${none} '${SECRET}'`,
    '62 02 0002',
  )
  await attacker.untilPing()
  if (version === 5) attacker.send(`30 @ "a" [09 <${hexSecret}> 26 "n" "${SECRET}" 03 "${SECRET}"] 'x'`)
  // Illegal packets that contain secrets: the log must not quote them.
  attacker.send(`36 @ "${SECRET}" '${SECRET}'`)
  await attacker.rest()
  const refused = await attack.open(version)
  refused.send(`${connectNotation(version, { flags: 0xc4, payload })} 00`)
  await refused.rest()
  const text = JSON.stringify(attack.log.lines)
  expect(attack.log.lines.length).toBeGreaterThan(10)
  // The operator finds clients by their user names.
  expect(text).toContain('user ann')
  expect(text).not.toContain(SECRET)
  expect(text).not.toContain(hexSecret)
  expect(text).not.toContain(JSON.stringify([...Buffer.from(SECRET)]).slice(1, -1))
  attack.log.lines.length = 0
})
