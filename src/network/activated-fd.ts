import { fstatSync } from 'node:fs'

/** The first socket that systemd passes has this number. */
export const FIRST_ACTIVATED_FD = 3

/**
 * Checks that a socket was passed to this process by socket activation (`sd_listen_fds(3)`), so that a wrong number does not open
 * something else.
 * @param fd from the config.
 * @param environment that of the process, unless told otherwise.
 * @throws an Error that says what is missing.
 */
export const checkActivatedFd = (
  fd: number,
  { LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv = process.env,
  pid = process.pid,
): void => {
  const setting = `fd: ${fd}`
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined) {
    throw new Error(
      `${setting} needs socket activation: LISTEN_FDS and LISTEN_PID are not set. Start it by a systemd socket unit.`,
    )
  }
  if (Number(LISTEN_PID) !== pid) {
    throw new Error(
      `${setting} cannot be used: the sockets were passed to process ${LISTEN_PID}, and this is process ${pid}. Start node itself by ` +
        'the unit, without a shell or npm between them.',
    )
  }
  const end = FIRST_ACTIVATED_FD + Number(LISTEN_FDS)
  if (!(fd < end)) {
    const passed = Number(LISTEN_FDS) === 1 ? 'only 3' : `3 to ${end - 1}`
    throw new Error(`${setting} was not passed: LISTEN_FDS is ${LISTEN_FDS}, so that the numbers are ${passed}.`)
  }
  if (!fstatSync(fd).isSocket()) throw new Error(`${setting} is not a socket.`)
}
