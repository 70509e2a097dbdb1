/** What the program uses of its process. Tests give their own. */
export interface HostProcess extends Pick<NodeJS.EventEmitter, 'on' | 'off'> {
  readonly pid: number
  exitCode?: number | string | null | undefined
  kill(pid: number, signal: NodeJS.Signals): unknown
  exit(code: number): void
  /** What keeps the process open, in Node's names. */
  getActiveResourcesInfo(): readonly string[]
}
