-- Request and report for wrk. Environment: SLUICE_HEADERS=browser for twelve headers of a browser, SLUICE_BODY=bytes for a POST,
-- SLUICE_TOKEN for a bearer token.
local browser = {
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  ["Accept-Encoding"] = "gzip, deflate, br, zstd",
  ["Accept-Language"] = "en-GB,en;q=0.9,de;q=0.8",
  ["Cache-Control"] = "no-cache",
  ["Cookie"] = "session=0123456789abcdef0123456789abcdef; theme=dark; consent=1",
  ["DNT"] = "1",
  ["Pragma"] = "no-cache",
  ["Referer"] = "https://www.example.com/a/page/before/this",
  ["Sec-Fetch-Dest"] = "document",
  ["Sec-Fetch-Mode"] = "navigate",
  ["Sec-Fetch-Site"] = "same-origin",
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
if os.getenv("SLUICE_HEADERS") == "browser" then wrk.headers = browser end
local token = os.getenv("SLUICE_TOKEN") or ""
if token ~= "" then wrk.headers["Authorization"] = "Bearer " .. token end
local body = tonumber(os.getenv("SLUICE_BODY") or "0")
if body > 0 then
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/octet-stream"
  wrk.body = string.rep("x", body)
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'JSON {"requests":%d,"bytes":%d,"micros":%d,"bad":%d,"broken":%d,"p50":%d,"p99":%d,"p999":%d}',
    summary.requests, summary.bytes, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
