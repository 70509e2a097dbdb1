/** The REPL in a process of its own: the common case. The rest is in dev-loop.slow.test.ts. */

import { describe } from 'vitest'
import { partSource, test, timeout } from '../helpers/dev-loop/world.ts'

describe.concurrent('npm run go with piped input', { timeout }, () => {
  test('reset takes in an edit; code that does not load leaves the old system running', async ({ world, expect }) => {
    const program = world.go()
    await program.said('Running 2 components')
    world.write('parts.ts', partSource.replace("greeting: 'one'", "greeting: 'two'"))
    program.type('await reset(); system.server.greeting')
    await program.said("'two'")

    world.write('parts.ts', `${partSource}\nconst broken = = 1\n`)
    program.type('const before = system.server', 'reset()')
    const line = partSource.split('\n').length + 1
    await program.said(`parts.ts:${line}:16: Unexpected token`)
    await program.said('The system from before keeps running')
    program.type('system.server === before')
    await program.said('true')

    world.write('parts.ts', `interface Erased {\n  field: string\n}\nthrow new RangeError('at the top')\n${partSource}`)
    program.type('reset()')
    await program.said('parts.ts:4:7: RangeError: at the top')

    world.write('parts.ts', partSource.replace("greeting: 'one'", "greeting: 'three'"))
    program.finish('reset()', 'system.server.greeting')
    // Something failed on the way, which a script that pipes its commands wants to know.
    expect(await program.ended()).toBe(1)
    expect(program.output).toContain("'three'")
  })
})
