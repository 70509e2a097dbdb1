import type { ComponentStatus } from './system/system-view.ts'

/** How long an action may take without a notice, in milliseconds. */
const silenceMs = 2_000

/**
 * Runs an action on the system. If it takes long, prints the components that it waits for, and again if these change: `Still
 * stopping: server`.
 * @param underWay the components that are starting or stopping now.
 */
export const withNotice = async <T>(
  underWay: () => readonly ComponentStatus[],
  print: (text: string) => void,
  action: () => Promise<T>,
): Promise<T> => {
  let last: string | undefined
  const notice = setInterval(() => {
    const text = noticeText(underWay())
    if (text !== undefined && text !== last) print(text)
    last = text
  }, silenceMs)
  try {
    return await action()
  } finally {
    clearInterval(notice)
  }
}

/** A line for each of the two states; undefined when no component is in either. */
const noticeText = (components: readonly ComponentStatus[]): string | undefined => {
  const lines = (['stopping', 'starting'] as const).flatMap((state) => {
    const names = components.filter((each) => each.state === state).map(({ name }) => name)
    return names.length === 0 ? [] : [`Still ${state}: ${names.join(', ')}`]
  })
  return lines.length === 0 ? undefined : lines.join('\n')
}
