/** A program in CommonJS: a component of its own beside those of the package. */
const { createSystem, defineComponent, defineSystem, kind, Logger, z } = require('mqtt-jig')
const { logger } = require('mqtt-jig/components/logger')

const Greeter = kind()('Greeter')
const greeter = defineComponent({
  provides: Greeter,
  needs: { logger: Logger },
  config: z.strictObject({ name: z.string() }),
  start: ({ name }) => ({ greeting: `Hello, ${name}` }),
})

const system = createSystem(
  defineSystem({
    logger: { component: logger, config: { level: 'warn' } },
    greeter: { component: greeter, config: { name: 'CommonJS' }, dependencies: { logger: 'logger' } },
  }),
)
system
  .start()
  .then(() => process.stdout.write(`${system.map.greeter.greeting}\n`))
  .then(() => system.stop())
