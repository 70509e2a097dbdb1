/** What all parts of the dashboard share. */

import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import type { Api } from './api.ts'
import type { Live } from './live.ts'
import type { Place } from './location.ts'

export interface App {
  readonly api: Api
  readonly live: Live
  readonly place: Place
  /** Tells the operator what happened, in a sentence, also through a screen reader. */
  notify(message: string, isFailure?: boolean): void
  /** Forgets the token. */
  logOut(): void
}

export const AppContext = createContext<App | undefined>(undefined)

export const useApp = (): App => {
  const app = useContext(AppContext)
  if (app === undefined) throw new Error('There is no AppContext around this component')
  return app
}

/**
 * A part of what the broker sends, read again after each change. The page is drawn at most once per frame, and only if the part is
 * another one.
 */
export const useLive = <T,>(select: (live: Live) => T): T => {
  const { live } = useApp()
  const [value, setValue] = useState<T>(() => select(live))
  useEffect(() => {
    let frame = 0
    const read = () => {
      frame = 0
      setValue(() => select(live))
    }
    const end = live.subscribe(() => {
      if (frame === 0) frame = requestAnimationFrame(read)
    })
    return () => {
      end()
      cancelAnimationFrame(frame)
    }
  }, [live])
  return value
}
