/** The programs that these tests need, and what happens when one is not installed. */

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, test } from 'vitest'

/** A program or library, and the Debian package that has it. */
export interface Requirement {
  readonly package: string
  readonly isInstalled: () => boolean
}

/** The Python of Debian's python3-paho-mqtt, even if another one is first in PATH. */
export const PYTHON = '/usr/bin/python3'

// Debian has brokers and HAProxy in a folder that is not in the PATH of every user.
process.env['PATH'] = `${process.env['PATH']}${delimiter}/usr/sbin`

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const command = (name: string, debianPackage: string): Requirement => ({
  package: debianPackage,
  isInstalled: () => process.env['PATH']!.split(delimiter).some((folder) => isExecutable(join(folder, name))),
})

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/google-chrome']

/** The browser, if there is one. */
export const browserPath = (): string | undefined => BROWSERS.find(isExecutable)

export const requirements = {
  mosquitto: command('mosquitto', 'mosquitto'),
  mosquittoPasswd: command('mosquitto_passwd', 'mosquitto'),
  mosquittoClients: command('mosquitto_rr', 'mosquitto-clients'),
  compiler: command('gcc', 'gcc'),
  pahoC: { package: 'libpaho-mqtt-dev', isInstalled: () => existsSync('/usr/include/MQTTClient.h') },
  go: command('go', 'golang-go'),
  pahoGo: {
    package: 'golang-github-eclipse-paho.mqtt.golang-dev',
    isInstalled: () => existsSync('/usr/share/gocode/src/github.com/eclipse/paho.mqtt.golang'),
  },
  pahoPython: {
    package: 'python3-paho-mqtt',
    isInstalled: () => spawnSync(PYTHON, ['-c', 'import paho.mqtt.client']).status === 0,
  },
  browser: { package: 'chromium', isInstalled: () => browserPath() !== undefined },
  haproxy: command('haproxy', 'haproxy'),
} satisfies Record<string, Requirement>

/**
 * Like `describe`. If a package is missing, the tests are skipped, and the title says what to install. With
 * ALL_CLIENTS=1, as in CI, a missing package is a failure.
 */
export const describeClient = (title: string, needed: readonly Requirement[], tests: () => void): void => {
  const missing = needed.filter(({ isInstalled }) => !isInstalled()).map((requirement) => requirement.package)
  if (missing.length === 0) {
    describe(title, tests)
  } else if (process.env['ALL_CLIENTS'] === '1') {
    test(title, () => {
      throw new Error(`Not installed: ${missing.join(', ')}`)
    })
  } else {
    describe.skipIf(true)(`${title} (skipped; install ${missing.join(', ')})`, tests)
  }
}
