// docker-compose.yml holds together: its form, what it refers to, and how little each container may do.
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { parseUnit } from '../../src/config/units.ts'
import { formFaults, readCompose } from '../lab/compose.ts'
import { validCompose } from '../lab/compose-gateway.ts'
import { only } from '../lab/image/dockerfile.ts'
import { readRecipe } from '../lab/image/layout.ts'
import { ROOT } from './sources.ts'

const compose = await readCompose()
const services = Object.entries(compose.services)
const OBSERVABILITY = 'config/observability'

describe('docker-compose.yml', () => {
  it('has the form of a Compose file, as far as we use it', () => {
    assert.deepEqual(formFaults(compose), [])
    assert.notDeepEqual(formFaults({ ...compose, servces: {} }), [])
  })

  it('pins every image to a whole version', () => {
    for (const [name, { image }] of services) assert.match(image, /:v?\d+\.\d+\.\d+(?:-[a-z0-9-]+)?$/, name)
    const [first] = (
      JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }
    ).version.split('-')
    assert.equal(compose.services['gateway']!.image, `sluice:${first}`)
  })

  it('uses the Node of the image for the demo upstream', async () => {
    const { stages } = await readRecipe()
    assert.equal(compose.services['demo']!.image, stages[0]!.base)
  })

  it('mounts only what is there, into folders of its own, and every volume that it declares', () => {
    const used = new Set<string>()
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('./')) assert.ok(statSync(new URL(source, ROOT)), `${name}: ${source}`)
        else used.add(source)
      }
    }
    assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted())
  })

  it('waits only for services that can become what is waited for', () => {
    for (const [name, { depends_on: others = {} }] of services) {
      for (const [other, { condition }] of Object.entries(others)) {
        const service = compose.services[other]
        assert.ok(service !== undefined && other !== name, `${name} waits for ${other}`)
        if (condition === 'service_completed_successfully') assert.equal(service.restart, 'no', other)
        else assert.ok(service.healthcheck !== undefined || service.build !== undefined, `${other} has a health check`)
      }
    }
  })

  it('gives every service that stays a health check; the gateway has that of its image', () => {
    for (const [name, { healthcheck, restart }] of services) {
      if (restart !== 'no' && name !== 'gateway') assert.ok(healthcheck, name)
    }
  })

  it('takes the token from the environment, never from a file of the checkout', async () => {
    for (const name of ['gateway', 'prometheus']) {
      assert.match(compose.services[name]!.environment!['SLUICE_ADMIN_TOKEN']!, /^\$\{SLUICE_ADMIN_TOKEN:\?/, name)
    }
    assert.match(await readFile(new URL('.gitignore', ROOT), 'utf8'), /^\.env$/m)
    // What Prometheus reads is what its container writes first.
    const { scrape_configs: jobs } = parse(
      await readFile(new URL(`${OBSERVABILITY}/prometheus.yaml`, ROOT), 'utf8'),
    ) as {
      scrape_configs: { job_name: string; authorization?: { credentials_file: string } }[]
    }
    const { credentials_file: file } = jobs.find((job) => job.job_name === 'sluice')!.authorization!
    assert.ok(compose.services['prometheus']!.entrypoint!.join(' ').includes(`> ${file} `))
  })

  it('lets the gateway drain before it is killed', async () => {
    const { stages } = await readRecipe()
    assert.equal(only(stages.at(-1)!, 'STOPSIGNAL').text, 'SIGTERM')
    const { config } = await validCompose()
    const grace = parseUnit('duration', compose.services['gateway']!.stop_grace_period!)
    assert.ok(grace >= config.drainTimeout! + 5_000)
  })

  it('runs a gateway whose configuration is valid, and names what is there', async () => {
    const { text } = await validCompose()
    const named = Array.from(text.matchAll(/(?:http|redis):\/\/([a-z]+):(\d+)/g), ([, host]) => host!)
    assert.deepEqual(named.toSorted(), ['demo', 'etcd', 'redis'])
    for (const host of named) assert.ok(compose.services[host], host)
  })
})

describe('Grafana of docker-compose.yml', () => {
  it('finds its data source and its dashboard', async () => {
    const folder = new URL(`${OBSERVABILITY}/grafana/`, ROOT)
    assert.deepEqual((await readdir(folder)).toSorted(), ['dashboards', 'datasources'])
    const { datasources } = parse(await readFile(new URL('datasources/sluice.yaml', folder), 'utf8')) as {
      datasources: { url: string; type: string; isDefault: boolean }[]
    }
    assert.deepEqual(
      datasources.map(({ url, type, isDefault }) => ({ url, type, isDefault })),
      [{ url: 'http://prometheus:9090', type: 'prometheus', isDefault: true }],
    )
    const { providers } = parse(await readFile(new URL('dashboards/sluice.yaml', folder), 'utf8')) as {
      providers: { options: { path: string } }[]
    }
    const { volumes, environment } = compose.services['grafana']!
    const [, target] = volumes!.find((volume) => volume.includes('grafana-dashboard.json'))!.split(':')
    assert.equal(environment!['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'], target)
    assert.ok(target!.startsWith(`${providers[0]!.options.path}/`))
  })
})
