import { useRef, useState } from 'preact/hooks'
import { ApiError } from './api.ts'
import { useApp } from './context.tsx'
import type { CheckedPlan, Reload, ResetPlan } from './contract.ts'
import { formatMilliseconds, formatPlural } from './format.ts'
import { changesOf } from './reset-plan.ts'

/** A reload starts components, of which each has its own deadline. */
const RELOAD_TIMEOUT_MS = 120_000

/** What the overview shows of a reload. */
export type ResetStep =
  | { readonly name: 'none' }
  | { readonly name: 'planned'; readonly plan: CheckedPlan; readonly atMs: number }
  | { readonly name: 'unavailable'; readonly why: string }
  | { readonly name: 'reloaded'; readonly reload: Reload; readonly planned: ResetPlan }

export interface ResetFailure {
  readonly title: string
  readonly text: string
}

export interface Reset {
  readonly step: ResetStep
  readonly isBusy: boolean
  /** Of the last call; undefined after `dismiss`. */
  readonly failure: ResetFailure | undefined
  /** Asks the broker what a reload would do now. @returns undefined if that failed. */
  plan(): Promise<CheckedPlan | undefined>
  /** Applies the changes. @param planned what the operator was shown. */
  reload(planned: ResetPlan): Promise<void>
  hide(): void
  dismiss(): void
}

/** A plan of a reload, and the reload itself. */
export const useReset = (): Reset => {
  const { api, notify } = useApp()
  const [step, setStep] = useState<ResetStep>({ name: 'none' })
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<ResetFailure | undefined>(undefined)
  // Not the state: two clicks may come before the page is drawn again.
  const isUnderWay = useRef(false)
  /** @returns undefined if the action failed, or if another one is under way. */
  const attempt = async <T>(title: string, action: () => Promise<T>): Promise<T | undefined> => {
    if (isUnderWay.current) return undefined
    isUnderWay.current = true
    setBusy(true)
    try {
      return await action()
    } catch (error) {
      const text = error instanceof Error ? error.message : 'The call failed.'
      const status = error instanceof ApiError ? error.status : 0
      if (status === 501) setStep({ name: 'unavailable', why: text })
      else if (status !== 401) setFailure({ title, text })
      return undefined
    } finally {
      isUnderWay.current = false
      setBusy(false)
    }
  }
  return {
    ...{ step, isBusy, failure },
    plan: () =>
      attempt('The plan failed', async () => {
        const plan = await planOf(() => api.get<CheckedPlan>('/components/plan'), setStep)
        setStep({ name: 'planned', plan, atMs: Date.now() })
        return plan
      }),
    reload: async (planned) => {
      await attempt('The reload failed', async () => {
        const reload = await reloadOf(() => api.send<Reload>('POST', '/components/reload', {}, RELOAD_TIMEOUT_MS))
        setStep({ name: 'reloaded', reload, planned })
        notify(reloadSentence(reload))
      })
    },
    hide: () => setStep({ name: 'none' }),
    dismiss: () => setFailure(undefined),
  }
}

/** A plan from before is none any more when the broker has no new one. */
const planOf = async (call: () => Promise<CheckedPlan>, setStep: (step: ResetStep) => void): Promise<CheckedPlan> => {
  try {
    return await call()
  } catch (error) {
    setStep({ name: 'none' })
    throw error
  }
}

/** Without an answer the page does not know whether it was applied. */
const reloadOf = async (call: () => Promise<Reload>): Promise<Reload> => {
  try {
    return await call()
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 0) throw cause
    const text = `${cause.message}\nThe changes may be applied nevertheless: a new plan shows what is left, and the log has the rest.`
    throw new ApiError(0, text, { cause })
  }
}

/** `Reloaded in 12 ms: 2 changes, 0.4 ms without traffic.` */
export const reloadSentence = ({ plan, ms, cutOverMs, items }: Reload): string => {
  const files = items.filter(({ change }) => change !== undefined).length
  const failed = items.filter(({ error }) => error !== undefined).length
  const changes = (plan === undefined ? 0 : changesOf(plan).length) + files
  const text = `Reloaded${ms === undefined ? '' : ` in ${formatMilliseconds(ms)}`}: ${formatPlural(changes, 'change')}`
  const held = cutOverMs === undefined ? '' : `, ${formatMilliseconds(cutOverMs)} without traffic`
  return `${text}${held}${failed === 0 ? '' : `, ${formatPlural(failed, 'failure')}`}.`
}
