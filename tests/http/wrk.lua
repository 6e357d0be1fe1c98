-- SPDX-License-Identifier: BSD-2-Clause
-- wrk with a number of requests in the place of a time: after COUNT of them no connection sends another,
-- and when all are answered wrk is interrupted, with nothing under way.
--
-- usage: wrk -t 1 -d 10m -s wrk.lua URL -- COUNT mixed|plain
--   mixed: each request another method and path. Prints "METHOD STATUS COUNT" of the responses, where
--   a path is /status/STATUS and the server answers with that; for "plain" all are GET and 200.
local methods = { "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS" }
local statuses = { 200, 201, 204, 302, 404, 500, 503 }
local sent, asked, answered, requests = 0, 0, 0, {}
seen = ""

function init(args)
   count, mixed = tonumber(args[1]), args[2] == "mixed"
   by_status = {}
   for _, status in ipairs(statuses) do
      for _, method in ipairs(mixed and methods or { "GET" }) do
         local body = (method == "POST" or method == "PUT" or method == "PATCH") and "x=1&y=2" or nil
         requests[#requests + 1] = wrk.format(method, "/status/" .. status, nil, body)
      end
   end
   plain = wrk.format("GET")
end

-- Called before each request, and what it returns is how many ms to wait with it.
function delay()
   sent = sent + 1
   return sent <= count and 0 or 1e9
end

function request()
   asked = asked + 1
   return mixed and requests[asked % #requests + 1] or plain
end

function response(status)
   answered = answered + 1
   by_status[status] = (by_status[status] or 0) + 1
   if answered < count then
      return
   end
   for code, n in pairs(by_status) do
      seen = seen .. code .. " " .. n .. "\n"
   end
   wrk.thread:stop()
   -- not at once, because SIGINT is ignored while a command is waited for
   os.execute("wrk=$PPID; { sleep 0.1; kill -INT $wrk; } &")
end

local threads = {}

function setup(thread)
   threads[1] = thread
end

function done(summary)
   local errors = summary.errors
   io.write(threads[1]:get("seen"))
   io.write(string.format("requests %d errors %d\n", summary.requests,
      errors.connect + errors.read + errors.write + errors.timeout))
end
