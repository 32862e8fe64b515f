"""SkyServe's own balancer, by itself: `skyserve.py <controller url> <port>`."""

import sys

from sky.serve import load_balancer

load_balancer.SkyServeLoadBalancer(
    controller_url=sys.argv[1],
    load_balancer_port=int(sys.argv[2]),
    load_balancing_policy_name='round_robin',
).run()
