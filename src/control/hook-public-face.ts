// For `node --import`: tests of plugins resolve the public names as the gateway does.
import { hookPublicFace } from './public-face.ts'

hookPublicFace()
