-- SPDX-License-Identifier: BSD-2-Clause
-- wrk with a pause between a connection's requests: wrk -s pace.lua URL -- MS
function init(args)
   pause = tonumber(args[1])
end

function delay()
   return pause
end
