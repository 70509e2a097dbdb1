/** Data of the admin API in a component. */

import { useCallback, useEffect, useState } from 'preact/hooks'
import { ApiError, type Query, queryText } from './api.ts'
import { useApp } from './context.tsx'

export interface Resource<T> {
  /** The last answer; that of the request before, while a new one is awaited. */
  readonly data: T | undefined
  readonly error: ApiError | undefined
  /** Whether `data` belongs to another request than the one asked for now. */
  readonly isStale: boolean
  reload(): void
}

interface Loaded<T> {
  readonly key: string
  readonly data: T | undefined
  readonly error: ApiError | undefined
}

/**
 * Loads from the API, again when the query changes and after each `refreshMs`.
 * @param path undefined loads nothing.
 */
export const useResource = <T,>(path: string | undefined, query: Query = {}, refreshMs = 0): Resource<T> => {
  const { api } = useApp()
  const key = path === undefined ? '' : path + queryText(query)
  const [loaded, setLoaded] = useState<Loaded<T>>({ key: '', data: undefined, error: undefined })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    if (key === '') return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const load = async () => {
      try {
        const data = await api.get<T>(key, {}, abort.signal)
        if (!abort.signal.aborted) setLoaded({ key, data, error: undefined })
      } catch (cause) {
        if (abort.signal.aborted) return
        const error = cause instanceof ApiError ? cause : new ApiError(0, 'The answer of the broker cannot be read.')
        setLoaded((before) => ({ key, data: before.key === key ? before.data : undefined, error }))
      }
      if (refreshMs > 0 && !abort.signal.aborted) timer = setTimeout(again, refreshMs)
    }
    // A page in the background asks for nothing.
    const again = () => {
      if (document.hidden) timer = setTimeout(again, refreshMs)
      else void load()
    }
    void load()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [api, key, refreshMs, turn])
  const reload = useCallback(() => setTurn((before) => before + 1), [])
  return { ...loaded, isStale: loaded.key !== key, reload }
}

/** A call that changes something: it is under way once at most, and its failure is told. */
export const useAction = (): [boolean, (action: () => Promise<string>) => Promise<boolean>] => {
  const { notify } = useApp()
  const [isBusy, setBusy] = useState(false)
  const run = async (action: () => Promise<string>): Promise<boolean> => {
    setBusy(true)
    try {
      notify(await action())
      return true
    } catch (error) {
      notify(error instanceof Error ? error.message : 'The call failed.', true)
      return false
    } finally {
      setBusy(false)
    }
  }
  return [isBusy, run]
}

export interface Submission {
  readonly isBusy: boolean
  /** Why the last attempt failed. */
  readonly problem: string | undefined
  submit(action: () => Promise<string>): void
}

/**
 * The call of a dialog. Its success is told on the page, as the dialog closes; its failure is told in the dialog, which covers the page.
 * @param onDone called after a success.
 */
export const useSubmission = (onDone: () => void): Submission => {
  const { notify } = useApp()
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const attempt = async (action: () => Promise<string>): Promise<void> => {
    setBusy(true)
    setProblem(undefined)
    try {
      notify(await action())
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'The call failed.')
      return
    } finally {
      setBusy(false)
    }
    onDone()
  }
  return { isBusy, problem, submit: (action) => void attempt(action) }
}
