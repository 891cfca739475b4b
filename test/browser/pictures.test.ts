// The pictures in docs/ can be taken at any time: scripts/dashboard-pictures.ts. This takes them, and keeps none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { takePictures } from '../lab/dashboard-pictures.ts'

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
/** Bytes; pages of one colour are far below. */
const LEAST = { light: 80_000, dark: 80_000, phone: 15_000 }

describe('the pictures of the dashboard', () => {
  it('can be taken, and show something', async () => {
    const pictures = await takePictures(12)
    assert.deepEqual(
      pictures.map(({ name }) => name),
      ['light', 'dark', 'phone'],
    )
    for (const { name, png } of pictures) {
      assert.deepEqual(png.subarray(0, 8), PNG, name)
      assert.ok(png.length > LEAST[name], `${name} has ${png.length} bytes`)
    }
    assert.notDeepEqual(pictures[0]!.png, pictures[1]!.png)
  })
})
