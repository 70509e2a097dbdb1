import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ClientPage } from './client-page.tsx'
import { ClientsPage } from './clients.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import { useApp, useLive } from './context.tsx'
import { formatDuration } from './format.ts'
import { ListenersPage } from './listeners.tsx'
import { writePlace } from './location.ts'
import { LogPage } from './log-page.tsx'
import { OverviewPage } from './overview.tsx'
import { PAGES } from './pages.ts'
import { PublishPage } from './publish-page.tsx'
import { RetainedPage } from './retained.tsx'
import { SessionsPage } from './sessions.tsx'
import { ShortcutHelp, useShortcuts } from './shortcuts.tsx'
import { Badge, Empty } from './states.tsx'
import { TopicsPage } from './topics.tsx'
import { UsersPage } from './users.tsx'

/** Everything around a page: navigation, state of the broker and of the connection to it. */
export const Shell = () => {
  const { place, logOut } = useApp()
  const [isHelpOpen, setHelpOpen] = useState(false)
  const openHelp = useCallback(() => setHelpOpen(true), [])
  useShortcuts(openHelp)
  return (
    <>
      <SkipLink />
      <header class="head">
        <a class="brand" href={writePlace('overview')}>
          mqtt-jig
        </a>
        <BrokerState />
        <button type="button" class="quiet" onClick={openHelp} aria-keyshortcuts="?">
          Keyboard
        </button>
        <button type="button" class="quiet" onClick={logOut}>
          Log out
        </button>
      </header>
      <Navigation current={place.page} />
      <ConnectionBanner />
      <Main />
      {isHelpOpen && <ShortcutHelp onClose={() => setHelpOpen(false)} />}
    </>
  )
}

/** The fragment of the URL belongs to the pages, so that this is a button. */
const SkipLink = () => (
  <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
    Skip to the content
  </button>
)

const Navigation = ({ current }: { current: string }) => (
  <nav class="nav" aria-label="Pages of the dashboard">
    <ul>
      {PAGES.map(({ name, title, key }) => (
        <li key={name}>
          <a
            href={writePlace(name)}
            aria-current={current === name ? 'page' : undefined}
            aria-keyshortcuts={`g ${key}`}
            title={`Keys: g ${key}`}
          >
            {title}
          </a>
        </li>
      ))}
    </ul>
  </nav>
)

const BrokerState = () => {
  const overview = useLive((live) => live.overview)
  const isConnected = useLive((live) => live.connection.state === 'connected')
  if (overview === undefined) return <p class="broker-state" />
  const isRunning = overview.state === 'running'
  return (
    <p class="broker-state">
      <Badge tone={isConnected ? (isRunning ? 'good' : 'bad') : 'off'}>
        {isConnected ? overview.state : 'not connected'}
      </Badge>
      <span>version {overview.version}</span>
      <span>up {formatDuration(overview.uptimeSeconds)}</span>
    </p>
  )
}

/** The page of the place. After a change of the page it gets the focus, so that a screen reader reads it. */
const Main = () => {
  const { place } = useApp()
  const main = useRef<HTMLElement>(null)
  const path = `${place.page}/${place.item ?? ''}`
  const before = useRef(path)
  useEffect(() => {
    const title = PAGES.find(({ name }) => name === place.page)?.title ?? 'Not found'
    document.title = `${place.item ?? title} – mqtt-jig`
    if (before.current === path) return
    before.current = path
    scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [path])
  return (
    <main id="main" ref={main} tabIndex={-1} key={path}>
      <CurrentPage />
    </main>
  )
}

const CurrentPage = () => {
  const { page, item } = useApp().place
  if (page === 'clients' && item !== undefined) return <ClientPage id={item} />
  if (page === 'clients') return <ClientsPage />
  if (page === 'sessions') return <SessionsPage />
  if (page === 'topics') return <TopicsPage />
  if (page === 'retained') return <RetainedPage />
  if (page === 'publish') return <PublishPage />
  if (page === 'users') return <UsersPage />
  if (page === 'listeners') return <ListenersPage />
  if (page === 'log') return <LogPage />
  if (page === 'overview') return <OverviewPage />
  return (
    <>
      <h1>Not found</h1>
      <Empty title={`There is no page “${page}”.`}>
        Go to the <a href={writePlace('overview')}>overview</a>.
      </Empty>
    </>
  )
}
