import { useState } from 'preact/hooks'
import { Api, ApiError } from './api.ts'

interface LoginProps {
  /** Why the operator has to log in again. */
  readonly why: string | undefined
  onToken(token: string): void
}

/** Asks for the token of the admin API, and tries it before it is kept. */
export const Login = ({ why, onToken }: LoginProps) => {
  const [problem, setProblem] = useState(why)
  const [isBusy, setBusy] = useState(false)
  const logIn = async (token: string) => {
    if (token === '') {
      setProblem('Enter a token.')
      return
    }
    setBusy(true)
    try {
      await new Api(token, () => {}).get('/overview')
      onToken(token)
    } catch (error) {
      setProblem(problemOf(error))
      setBusy(false)
    }
  }
  return (
    <main class="login">
      <h1>mqtt-jig</h1>
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault()
          void logIn(`${new FormData(event.currentTarget).get('token') ?? ''}`.trim())
        }}
      >
        <label class="field">
          <span>Token of the admin API</span>
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            aria-describedby="token-hint token-problem"
            aria-invalid={problem !== undefined && problem !== why}
          />
        </label>
        <p class="note" id="token-hint">
          The config of the component <code>admin</code> has the tokens or the file that holds one. The log of the
          broker names the file. The token is kept in this tab until you close it or log out.
        </p>
        <p id="token-problem" role="alert" class="bad">
          {problem}
        </p>
        <button type="submit" disabled={isBusy}>
          Log in
        </button>
      </form>
    </main>
  )
}

const problemOf = (error: unknown): string => {
  if (!(error instanceof ApiError)) return 'This is not a token: it has characters that no header can carry.'
  return error.status === 401 ? 'The broker does not accept this token.' : error.message
}
