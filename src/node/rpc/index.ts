/** The local socket: JSON-RPC 2.0 in geth's framing, for whoever may open its file. */
export { RPC_ERROR, RpcError, type RpcErrorCode, type RpcMethod, type RpcMethods } from './json-rpc.js';
export { callRpc, type RpcCall } from './rpc-client.js';
export { nodeMethods, type RpcNode } from './rpc-methods.js';
export { RpcServer, type RpcServerOptions } from './rpc-server.js';
