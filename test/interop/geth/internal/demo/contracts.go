package demo

import (
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
)

// The contracts are written without PUSH0, which blocks before Shanghai do not know.

var (
	storedTopic  = crypto.Keccak256([]byte("Stored(address,uint256,uint256)"))
	emittedTopic = crypto.Keccak256([]byte("Emitted(uint256)"))
	createdTopic = crypto.Keccak256([]byte("Created(address)"))
)

// assemble joins op codes, single bytes (int) and byte strings.
func assemble(parts ...any) []byte {
	var code []byte
	for _, part := range parts {
		switch p := part.(type) {
		case vm.OpCode:
			code = append(code, byte(p))
		case int:
			code = append(code, byte(p))
		case []byte:
			code = append(code, p...)
		default:
			panic("neither an op code, a byte nor bytes")
		}
	}
	return code
}

// deploy wraps runtime code into init code that returns it.
func deploy(runtime []byte) []byte {
	const prefix = 14
	n := len(runtime)
	init := assemble(
		vm.PUSH2, n>>8, n&0xff, vm.PUSH1, prefix, vm.PUSH1, 0, vm.CODECOPY,
		vm.PUSH2, n>>8, n&0xff, vm.PUSH1, 0, vm.RETURN,
	)
	if len(init) != prefix {
		panic("init code has another length than it says")
	}
	return append(init, runtime...)
}

// ledgerCode(key, value) stores the value under the key and logs it with three topics.
var ledgerCode = assemble(
	vm.PUSH1, 32, vm.CALLDATALOAD, vm.PUSH1, 0, vm.CALLDATALOAD, vm.SSTORE,
	vm.PUSH1, 32, vm.CALLDATALOAD, vm.PUSH1, 0, vm.MSTORE,
	vm.PUSH1, 0, vm.CALLDATALOAD, vm.CALLER, vm.PUSH32, storedTopic,
	vm.PUSH1, 32, vm.PUSH1, 0, vm.LOG3,
	vm.STOP,
)

// emitterCode(n, size) writes n logs with size bytes of data each; the data begins with the log's number.
var emitterCode = assemble(
	vm.PUSH1, 0,
	vm.JUMPDEST, // at 2
	vm.DUP1, vm.PUSH1, 0, vm.MSTORE,
	vm.DUP1, vm.PUSH32, emittedTopic,
	vm.PUSH1, 32, vm.CALLDATALOAD, vm.PUSH1, 0, vm.LOG2,
	vm.PUSH1, 1, vm.ADD,
	vm.PUSH1, 0, vm.CALLDATALOAD, vm.DUP2, vm.LT, vm.PUSH1, 2, vm.JUMPI,
	vm.STOP,
)

// factoryCode(init code) creates a contract and logs its address.
var factoryCode = assemble(
	vm.CALLDATASIZE, vm.PUSH1, 0, vm.PUSH1, 0, vm.CALLDATACOPY,
	vm.CALLDATASIZE, vm.PUSH1, 0, vm.PUSH1, 0, vm.CREATE,
	vm.PUSH1, 0, vm.MSTORE,
	vm.PUSH32, createdTopic, vm.PUSH1, 32, vm.PUSH1, 0, vm.LOG1,
	vm.STOP,
)

// refuserCode logs, then reverts with a word of data, so that its log never counts.
var refuserCode = assemble(
	vm.PUSH1, 0, vm.PUSH1, 0, vm.LOG0,
	vm.PUSH1, 0x2a, vm.PUSH1, 0, vm.MSTORE, vm.PUSH1, 32, vm.PUSH1, 0, vm.REVERT,
)

// spinnerCode runs until its gas is gone.
var spinnerCode = assemble(vm.JUMPDEST, vm.PUSH1, 0, vm.JUMP)

// vanisherInit is init code that destroys the account it is about to become.
var vanisherInit = assemble(vm.CALLER, vm.SELFDESTRUCT)
