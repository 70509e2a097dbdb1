import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { chmod, lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { type KeptListening, listen, release } from '../../src/network/listening.ts'
import type { UnixSocketConfig } from './config.ts'

/**
 * Listens at a path. The socket file of a process that was killed is removed; a socket that another process listens at is not.
 * @throws the operating system's error: `ENOENT` if the folder does not exist, `EADDRINUSE` if another process listens there or the path is another file.
 */
export const listenAtPath = async ({ path, mode, backlog }: UnixSocketConfig): Promise<KeptListening> => {
  const kept = await listen({ path, backlog }).catch(async (error: NodeJS.ErrnoException) => {
    // Node says EACCES of a folder that is not there.
    if (error.code === 'EACCES' && !(await isThere(dirname(path)))) throw new FolderMissing(path, error)
    if (error.code !== 'EADDRINUSE' || !(await isStale(path))) throw error
    await unlink(path)
    return listen({ path, backlog })
  })
  await setMode(path, mode).catch((error) => {
    void release(kept.listening.server, kept.waiting)
    throw error
  })
  return kept
}

/** The folder of the socket does not exist. */
class FolderMissing extends Error {
  override readonly name = 'FolderMissing'
  readonly code = 'ENOENT'

  constructor(path: string, cause: Error) {
    super(`no socket can be made at ${path}: the folder ${dirname(path)} does not exist. Make it, or change path`, {
      cause,
    })
  }
}

const isThere = (folder: string): Promise<boolean> =>
  lstat(folder).then(
    () => true,
    () => false,
  )

/** Sets who may connect. @param mode in octal digits. */
export const setMode = (path: string, mode: string): Promise<void> => chmod(path, Number.parseInt(mode, 8))

/** The same in this turn of the event loop. */
export const setModeNow = (path: string, mode: string): void => chmodSync(path, Number.parseInt(mode, 8))

/** Whether a path is a socket that no process listens at. */
const isStale = async (path: string): Promise<boolean> => {
  const file = await lstat(path).catch(() => undefined)
  if (file === undefined || !file.isSocket()) return false
  const probe = connect(path)
  try {
    await once(probe, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    probe.destroy()
  }
}
