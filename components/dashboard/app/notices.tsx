export interface Notice {
  readonly number: number
  readonly message: string
  readonly isFailure: boolean
}

/** What happened after an action. Always in the page, since screen readers announce changes of a region that they know. */
export const Notices = ({ notices, onClose }: { notices: readonly Notice[]; onClose: (number: number) => void }) => (
  <div class="notices" role="status">
    {notices.map(({ number, message, isFailure }) => (
      <p key={number} class={isFailure ? 'notice notice-failed' : 'notice'}>
        <span>{message}</span>
        <button type="button" class="quiet" onClick={() => onClose(number)} aria-label="Close the message">
          ×
        </button>
      </p>
    ))}
  </div>
)
