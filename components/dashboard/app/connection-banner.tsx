import { useEffect, useState } from 'preact/hooks'
import { useApp, useLive } from './context.tsx'
import { formatTime } from './format.ts'

/** Says that the values on the page are old, and when the page tries again. */
export const ConnectionBanner = () => {
  const { live } = useApp()
  const connection = useLive((each) => each.connection)
  const overviewAtMs = useLive((each) => each.overviewAtMs)
  if (connection.state !== 'lost') return <div role="status" />
  return (
    <div class="banner" role="status">
      <p>
        <b>Not connected.</b> {connection.why}{' '}
        {overviewAtMs > 0 && `The numbers are those of ${formatTime(overviewAtMs)}. `}
        <Countdown untilMs={connection.retryAtMs} />
      </p>
      <button type="button" onClick={() => void live.connect()}>
        Connect now
      </button>
    </div>
  )
}

/** Not announced by screen readers, which would read it each second. */
const Countdown = ({ untilMs }: { untilMs: number }) => {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(0, Math.ceil((untilMs - now) / 1000))
  return <span aria-hidden="true">{seconds === 0 ? 'Connecting …' : `Next attempt in ${seconds} s.`}</span>
}
