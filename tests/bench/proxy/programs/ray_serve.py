"""Ray Serve's proxy with two replicas of its own that answer as our backend does: `ray_serve.py <port>`."""

import asyncio
import sys
import time

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

ANSWER = 'x' * 1024
PADDING = 'x' * 110


@serve.deployment(num_replicas=2, max_ongoing_requests=1000, ray_actor_options={'num_cpus': 0})
class Backend:

    async def __call__(self, request: Request) -> Response:
        if request.url.path == '/events':
            return StreamingResponse(self.events(), media_type='text/event-stream')
        await request.body()
        return Response(ANSWER, media_type='application/json')

    async def events(self):
        for _ in range(100):
            await asyncio.sleep(0.02)
            yield f'data: {{"at":{time.time() * 1000:.3f},"text":"{PADDING}"}}\n\n'


ray.init(include_dashboard=False, log_to_driver=False, logging_level='ERROR', _node_ip_address='127.0.0.1')
serve.start(http_options={'host': '127.0.0.1', 'port': int(sys.argv[1])}, proxy_location='HeadOnly')
serve.run(Backend.bind(), route_prefix='/')
sys.stdout.write('ready\n')
sys.stdout.flush()
sys.stdin.read()
serve.shutdown()
ray.shutdown()
