/** What a part shows when it has no data: not yet, none at all, or because of an error. */

import type { ComponentChildren } from 'preact'
import type { Resource } from './resource.tsx'

/** For a list that scrolls: the keyboard scrolls what has the focus. */
export const SCROLLABLE = { tabIndex: 0 }

export const Loading = () => (
  <p class="state" role="status">
    Loading …
  </p>
)

/** @param children what to do to see something here. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="state">
    <p class="state-title">{title}</p>
    {children !== undefined && <p>{children}</p>}
  </div>
)

export const Failure = ({ message, onRetry }: { message: string; onRetry?: () => void }) => (
  <div class="state state-failed" role="alert">
    <p class="state-title">{message}</p>
    {onRetry !== undefined && (
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    )}
  </div>
)

/** The data of a resource, or why there is none. Data that could not be read again stays, with the error above it. */
export const Loaded = <T,>({
  resource,
  children,
}: {
  resource: Resource<T>
  children: (data: T) => ComponentChildren
}) => {
  const { data, error, reload } = resource
  return (
    <>
      {error !== undefined && <Failure message={error.message} onRetry={reload} />}
      {data === undefined ? error === undefined && <Loading /> : children(data)}
    </>
  )
}

/** A state in words, with a mark in its colour. */
export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={`badge badge-${tone}`}>{children}</span>
)

export type Tone = 'good' | 'waiting' | 'bad' | 'off' | 'planned'

/** The colour of a component's state. */
export const toneOf = ({
  state,
  unready,
}: {
  state?: string | null | undefined
  unready?: string | null | undefined
}): Tone => {
  if (typeof unready === 'string' && unready !== '') return 'bad'
  if (state === 'running') return 'good'
  if (state === 'failed' || state === 'blocked') return 'bad'
  return state === 'disabled' || state === undefined || state === null || state === 'stopped' ? 'off' : 'waiting'
}
