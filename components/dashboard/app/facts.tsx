import type { ComponentChildren } from 'preact'

/** Names with their values. */
export const Facts = ({ label, children }: { label: string; children: ComponentChildren }) => (
  <dl class="facts" aria-label={label}>
    {children}
  </dl>
)

export const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)
