// Loaded into a gateway with --import: counts the bytes that V8 allocates on its heap, by the garbage collector's own
// figures, and tells them when it is asked. Messages: 'begin' -> 'begun', 'end' -> HeapSeen.
import { getHeapStatistics, GCProfiler } from 'node:v8'

/** Between `begin` and `end`. */
export interface HeapSeen {
  /** bytes allocated */
  readonly allocated: number
  readonly collections: number
}

let profiler = new GCProfiler()
let before = 0

function used(): number {
  return getHeapStatistics().used_heap_size
}

// Between two collections the heap only grows, and by what was allocated.
function end(): HeapSeen {
  const last = used()
  const { statistics } = profiler.stop()
  let allocated = 0
  let floor = before
  for (const { beforeGC, afterGC } of statistics) {
    allocated += beforeGC.heapStatistics.usedHeapSize - floor
    floor = afterGC.heapStatistics.usedHeapSize
  }
  return { allocated: allocated + last - floor, collections: statistics.length }
}

process.on('message', (message) => {
  if (message === 'begin') {
    profiler = new GCProfiler()
    before = used()
    profiler.start()
    process.send!('begun')
  } else if (message === 'end') process.send!(end())
})
process.channel!.unref()
