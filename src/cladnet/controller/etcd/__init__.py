"""A small, robust asyncio client for etcd v3 over grpc.aio."""
