import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { authenticatorContract } from '../../test/contract/authenticator.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { passwordFileConfig } from './config.ts'
import { PasswordFile } from './password-file.ts'

// Slow as each hash is: here they cost what they cost in service.

const releases: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const release of releases.splice(0)) await release()
})

authenticatorContract('passwordFile', {
  create: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'password-file-'))
    const config = passwordFileConfig.parse({ path: join(folder, 'passwords') })
    const file = await PasswordFile.open('passwordFile', config, new RecordingLogger())
    releases.push(async () => {
      file.stop()
      await rm(folder, { recursive: true })
    })
    await file.users.set('ann', 'the pencil of ann')
    await file.users.set('bob', 'a paper of bob')
    return file
  },
  users: [
    { userName: 'ann', password: 'the pencil of ann' },
    { userName: 'bob', password: 'a paper of bob' },
  ],
  unknownUser: 'pass',
  runs: 20,
})
