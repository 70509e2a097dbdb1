import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Api } from './api.ts'
import { type App, AppContext } from './context.tsx'
import { Live } from './live.ts'
import { readPlace } from './location.ts'
import { Login } from './login.tsx'
import { type Notice, Notices } from './notices.tsx'
import { Shell } from './shell.tsx'
import { keepToken, readToken } from './token.ts'

const NOTICE_MS = 8_000
const MAXIMUM_NOTICES = 3

/** Asks for a token, then shows the dashboard. */
export const Root = () => {
  const [token, setToken] = useState(() => readToken(sessionStorage))
  const [why, setWhy] = useState<string | undefined>(undefined)
  const change = useCallback((next: string | undefined, reason?: string) => {
    keepToken(sessionStorage, next)
    setWhy(reason)
    setToken(next)
  }, [])
  if (token === undefined) return <Login why={why} onToken={(next) => change(next)} />
  return <Dashboard key={token} token={token} onEnd={(reason) => change(undefined, reason)} />
}

const Dashboard = ({ token, onEnd }: { token: string; onEnd: (reason?: string) => void }) => {
  const place = usePlace()
  const [notices, notify, close] = useNotices()
  const api = useMemo(() => new Api(token, () => onEnd('The broker does not accept the token any more.')), [token])
  const live = useMemo(() => new Live(api), [api])
  useEffect(() => {
    void live.connect()
    return () => live.stop()
  }, [live])
  const app: App = useMemo(() => ({ api, live, place, notify, logOut: () => onEnd() }), [api, live, place, notify])
  return (
    <AppContext.Provider value={app}>
      <Shell />
      <Notices notices={notices} onClose={close} />
    </AppContext.Provider>
  )
}

const usePlace = () => {
  const [place, setPlace] = useState(() => readPlace(location.hash))
  useEffect(() => {
    const changed = () => setPlace(readPlace(location.hash))
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return place
}

const useNotices = (): [readonly Notice[], App['notify'], (number: number) => void] => {
  const [notices, setNotices] = useState<readonly Notice[]>([])
  const count = useRef(0)
  const close = useCallback((number: number) => setNotices((all) => all.filter((each) => each.number !== number)), [])
  const notify = useCallback<App['notify']>((message, isFailure = false) => {
    const number = ++count.current
    setNotices((before) => [...before, { number, message, isFailure }].slice(-MAXIMUM_NOTICES))
    // A failure stays until it is closed.
    if (!isFailure) setTimeout(() => close(number), NOTICE_MS)
  }, [])
  return [notices, notify, close]
}
