package demo

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

// Chain is the demonstration chain, from block 1 on.
type Chain struct {
	Genesis  *core.Genesis
	Blocks   []*types.Block
	Receipts []types.Receipts
}

// Generate makes the chain.
func Generate() *Chain { return GenerateBranch(Blocks, Blocks) }

// GenerateBranch makes a chain of the given length that is the demonstration chain up to the block fork, and another
// one from there on.
func GenerateBranch(fork, length int) *Chain {
	genesis := Genesis()
	w := &writer{config: genesis.Config, fork: uint64(fork)}
	_, blocks, receipts := core.GenerateChainWithGenesis(genesis, beacon.New(ethash.NewFaker()), length, w.block)
	return &Chain{Genesis: genesis, Blocks: blocks, Receipts: receipts}
}

// writer fills the blocks with transactions.
type writer struct {
	config *params.ChainConfig
	b      *core.BlockGen
	number uint64
	sent   int    // transactions so far; decides who sends the next one
	fork   uint64 // the last block of the demonstration chain itself

	ledger, emitter, factory, refuser, spinner common.Address
}

func (w *writer) block(i int, b *core.BlockGen) {
	w.b, w.number = b, uint64(i)+1
	n := w.number
	b.SetCoinbase(namedAddress("fee recipient", int(n)%3))
	b.SetExtra([]byte("rlpxd demo"))
	if n > w.fork {
		b.SetExtra([]byte("rlpxd demo branch"))
	}
	if n >= cancunBlock {
		b.SetParentBeaconRoot(crypto.Keccak256Hash([]byte(fmt.Sprintf("beacon root %d", n))))
	}
	if n >= shanghaiBlock && n%3 == 0 {
		w.withdrawals()
	}
	switch {
	case n == 1:
		w.contracts()
	case n%10 == 0:
		// An empty block; some of them have withdrawals.
	case n == 105 || n == 305 || n == 455 || n == 545:
		w.manyLogs()
	default:
		for j := uint64(0); j < 1+n%3; j++ {
			w.transaction(int(n*7+j*3) % 12)
		}
	}
}

// contracts deploys what the later blocks call.
func (w *writer) contracts() {
	create := func(runtime []byte) common.Address {
		from := addressOf(senderKey(0))
		address := crypto.CreateAddress(from, w.b.TxNonce(from))
		w.send(0, &types.DynamicFeeTx{Gas: 600_000, Data: deploy(runtime)})
		return address
	}
	w.ledger = create(ledgerCode)
	w.emitter = create(emitterCode)
	w.factory = create(factoryCode)
	w.refuser = create(refuserCode)
	w.spinner = create(spinnerCode)
}

// withdrawals adds one to sixteen of them, some to accounts that do not exist yet.
func (w *writer) withdrawals() {
	for j := uint64(0); j < 1+w.number%16; j++ {
		w.b.AddWithdrawal(&types.Withdrawal{
			Validator: w.number*16 + j,
			Address:   namedAddress("withdrawer", int((w.number+j)%24)),
			Amount:    1_000_000 + w.number*j, // Gwei
		})
	}
}

// manyLogs makes a block whose receipts are far larger than its transactions.
func (w *writer) manyLogs() {
	w.send(1, &types.DynamicFeeTx{To: &w.emitter, Gas: 3_000_000, Data: words(40, 480)})
	w.send(2, &types.AccessListTx{To: &w.emitter, Gas: 3_000_000, Data: words(200, 32)})
	w.send(3, &types.LegacyTx{To: &w.emitter, Gas: 3_000_000, Data: words(1, 4096)})
}

// transaction adds one of the kinds that ordinary blocks are made of.
func (w *writer) transaction(kind int) {
	from := w.sent % (accounts - 2)
	fresh := namedAddress("payee", w.sent)
	known := namedAddress("payee", 0)
	slot := w.number % 29
	switch kind {
	case 0:
		w.send(from, &types.LegacyTx{To: &fresh, Value: big.NewInt(int64(w.number) * 1e9), Gas: w.gas(21_000)})
	case 1:
		w.send(from, &types.DynamicFeeTx{To: &known, Value: big.NewInt(1 + int64(w.sent)), Gas: w.gas(21_000)})
	case 2:
		w.send(from, &types.AccessListTx{To: &w.ledger, Gas: w.gas(80_000), Data: words(slot, w.number),
			AccessList: types.AccessList{{Address: w.ledger, StorageKeys: []common.Hash{common.BigToHash(new(big.Int).SetUint64(slot))}}}})
	case 3:
		w.send(from, &types.DynamicFeeTx{To: &w.ledger, Gas: w.gas(80_000), Data: words(slot, 0)})
	case 4:
		// A signature that is not bound to a chain, as before EIP-155.
		w.sendUnprotected(from, &types.LegacyTx{To: &known, Value: big.NewInt(7), Gas: w.gas(21_000)})
	case 5:
		w.send(from, &types.DynamicFeeTx{To: &w.refuser, Gas: w.gas(50_000)})
	case 6:
		w.send(from, &types.LegacyTx{To: &w.spinner, Gas: w.gas(30_000)})
	case 7:
		w.blobs(from)
	case 8:
		w.delegation(from)
	case 9:
		w.send(from, &types.DynamicFeeTx{Value: big.NewInt(3), Gas: w.gas(120_000), Data: vanisherInit})
	case 10:
		w.send(from, &types.LegacyTx{To: &w.factory, Gas: w.gas(200_000), Data: deploy(spinnerCode)})
	case 11:
		if w.number >= pragueBlock && w.number%5 == 1 {
			w.withdrawalRequest(from)
			return
		}
		w.send(from, &types.DynamicFeeTx{To: &w.emitter, Gas: w.gas(120_000), Data: words(1+w.number%5, 32*(w.number%3))})
	}
}

// blobs sends a blob transaction (from Cancun on); now and then with as many blobs as one transaction may carry.
func (w *writer) blobs(from int) {
	if w.number < cancunBlock {
		w.send(from, &types.DynamicFeeTx{To: &w.ledger, Gas: w.gas(80_000), Data: words(99, w.number)})
		return
	}
	count := 1 + w.sent%2
	if w.sent%5 == 0 && w.number >= pragueBlock {
		count = 6
	}
	hashes := make([]common.Hash, count)
	for i := range hashes {
		hashes[i] = crypto.Keccak256Hash([]byte(fmt.Sprintf("blob %d of transaction %d", i, w.sent)))
		hashes[i][0] = 0x01 // version of a KZG commitment
	}
	w.send(from, &types.BlobTx{To: w.ledger, Gas: w.gas(80_000), Data: words(uint64(count), w.number),
		BlobFeeCap: uint256.NewInt(params.GWei), BlobHashes: hashes})
}

// delegation lends an account the ledger's code and calls it there, or takes the code away again (from Prague on).
func (w *writer) delegation(from int) {
	if w.number < pragueBlock {
		w.send(from, &types.AccessListTx{To: &w.ledger, Gas: w.gas(80_000), Data: words(100, w.number)})
		return
	}
	lent := accounts - 2 + w.sent%2
	authority := addressOf(senderKey(lent))
	target := w.ledger
	if w.sent%3 == 0 {
		target = common.Address{}
	}
	auth, err := types.SignSetCode(senderKey(lent), types.SetCodeAuthorization{
		ChainID: *uint256.NewInt(ChainID),
		Address: target,
		Nonce:   w.b.TxNonce(authority),
	})
	if err != nil {
		panic(err)
	}
	w.send(from, &types.SetCodeTx{To: authority, Gas: w.gas(150_000), Data: words(w.number, 1), AuthList: []types.SetCodeAuthorization{auth}})
}

// withdrawalRequest asks the EIP-7002 contract for a withdrawal, so that the requests hash covers something.
func (w *writer) withdrawalRequest(from int) {
	to := params.WithdrawalQueueAddress
	data := make([]byte, 56)
	copy(data, crypto.Keccak256([]byte("validator"), words(w.number)))
	data[55] = byte(w.number)
	w.send(from, &types.DynamicFeeTx{To: &to, Value: big.NewInt(1000), Gas: w.gas(250_000), Data: data})
}

// gas returns the gas limit for a transaction that needed the given gas before Amsterdam, which prices the
// growth of the state much higher.
func (w *writer) gas(before uint64) uint64 {
	if w.number >= amsterdamBlock {
		return before + 900_000
	}
	return before
}

// send completes the transaction with nonce and fees, signs it and puts it into the block.
func (w *writer) send(from int, data types.TxData) {
	w.add(from, data, types.LatestSigner(w.config))
}

func (w *writer) sendUnprotected(from int, data *types.LegacyTx) {
	w.add(from, data, types.HomesteadSigner{})
}

func (w *writer) add(from int, data types.TxData, signer types.Signer) {
	k := senderKey(from)
	nonce := w.b.TxNonce(addressOf(k))
	tip := big.NewInt(int64(1+w.sent%4) * params.GWei / 4)
	price := new(big.Int).Add(w.b.BaseFee(), tip)
	id := big.NewInt(ChainID)
	switch tx := data.(type) {
	case *types.LegacyTx:
		tx.Nonce, tx.GasPrice = nonce, price
	case *types.AccessListTx:
		tx.ChainID, tx.Nonce, tx.GasPrice = id, nonce, price
	case *types.DynamicFeeTx:
		tx.ChainID, tx.Nonce, tx.GasTipCap, tx.GasFeeCap = id, nonce, tip, new(big.Int).Add(price, price)
	case *types.BlobTx:
		tx.ChainID, tx.Nonce = uint256.NewInt(ChainID), nonce
		tx.GasTipCap, tx.GasFeeCap = uint256.MustFromBig(tip), uint256.MustFromBig(price)
	case *types.SetCodeTx:
		tx.ChainID, tx.Nonce = uint256.NewInt(ChainID), nonce
		tx.GasTipCap, tx.GasFeeCap = uint256.MustFromBig(tip), uint256.MustFromBig(price)
	default:
		panic("unknown kind of transaction")
	}
	w.b.AddTx(types.MustSignNewTx(k, signer, data))
	w.sent++
}

// words encodes numbers as 32-byte words, the form of call data.
func words(numbers ...uint64) []byte {
	var out []byte
	for _, n := range numbers {
		out = append(out, common.BigToHash(new(big.Int).SetUint64(n)).Bytes()...)
	}
	return out
}
