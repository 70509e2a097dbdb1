/** A reload with a file that is wrong: nothing changes, and everything goes on. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { System } from '../../src/system/lifecycle.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { RawClient } from '../helpers/raw-client.ts'

describe('a reload in production', () => {
  let admin: AdminBroker
  afterEach(() => admin.stop())

  it('is refused if a component would have to end for a file, and could not come back with it', async () => {
    admin = await AdminBroker.start()
    const system = admin.broker.system as System
    const client = await RawClient.connect(admin.broker.port)
    client.send('10 0f 0004 4d515454 04 02 003c 0003 726177')
    expect(await client.frame()).toBe('20020000')
    const file = join(admin.folder, 'token')
    const good = readFileSync(file)
    writeFileSync(file, 'short')
    const error = await system.apply(system.config, { keep: 'all' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RESET_REFUSED' })
    expect((error as Error).message).toContain(file)
    expect((error as Error).message).toContain('at least 16 visible characters')
    expect(system.state).toBe('running')
    expect((await admin.get('/components')).status).toBe(200)
    expect(await client.send('c000').frame()).toBe('d000')
    // What is right again is taken over.
    writeFileSync(file, good)
    await system.apply(system.config, { keep: 'all' })
    expect((await admin.get('/components')).status).toBe(200)
    client.destroy()
  })
})
