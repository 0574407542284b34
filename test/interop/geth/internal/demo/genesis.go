// Package demo makes the demonstration chain: a few hundred post-merge blocks that hold every kind of
// transaction, from the Paris rules up to Amsterdam blocks with access lists. Keys, times and contents are
// fixed, so that every run yields the same bytes.
package demo

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

const (
	// Blocks is the height of the chain.
	Blocks = 560
	// ChainID is the chain id and the network id; no public network uses it.
	ChainID = 9303030

	genesisTime   = 1_750_000_000
	secondsABlock = 10

	// First block of each fork.
	shanghaiBlock  = 41
	cancunBlock    = 121
	pragueBlock    = 241
	osakaBlock     = 361
	bpo1Block      = 401
	bpo2Block      = 441
	amsterdamBlock = 521
)

// accounts is the number of funded senders; the last two also delegate by EIP-7702.
const accounts = 8

func key(name string) *ecdsa.PrivateKey {
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte("rlpxd demo chain: " + name)))
	if err != nil {
		panic(err)
	}
	return k
}

func senderKey(i int) *ecdsa.PrivateKey { return key(fmt.Sprintf("account %d", i)) }

func addressOf(k *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(k.PublicKey) }

func namedAddress(name string, i int) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte(fmt.Sprintf("rlpxd demo chain: %s %d", name, i))))
}

func timeOf(block uint64) *uint64 {
	t := uint64(genesisTime + block*secondsABlock)
	return &t
}

// Genesis returns the specification of the first block.
func Genesis() *core.Genesis {
	zero := func() *big.Int { return new(big.Int) }
	ether := new(big.Int).SetUint64(params.Ether)
	alloc := types.GenesisAlloc{
		params.BeaconRootsAddress:        {Nonce: 1, Balance: zero(), Code: params.BeaconRootsCode},
		params.HistoryStorageAddress:     {Nonce: 1, Balance: zero(), Code: params.HistoryStorageCode},
		params.WithdrawalQueueAddress:    {Nonce: 1, Balance: zero(), Code: params.WithdrawalQueueCode},
		params.ConsolidationQueueAddress: {Nonce: 1, Balance: zero(), Code: params.ConsolidationQueueCode},
		params.BuilderDepositAddress:     {Nonce: 1, Balance: zero(), Code: params.BuilderDepositCode},
		params.BuilderExitAddress:        {Nonce: 1, Balance: zero(), Code: params.BuilderExitCode},
		// One account with code and storage, so that the state root of the genesis covers both.
		namedAddress("predeployed ledger", 0): {
			Nonce:   1,
			Balance: big.NewInt(12345),
			Code:    ledgerCode,
			Storage: map[common.Hash]common.Hash{
				common.BigToHash(big.NewInt(1)): common.BigToHash(big.NewInt(0x1234)),
				common.BigToHash(big.NewInt(2)): crypto.Keccak256Hash([]byte("a full word")),
			},
		},
	}
	for i := 0; i < accounts; i++ {
		alloc[addressOf(senderKey(i))] = types.Account{Balance: new(big.Int).Mul(ether, big.NewInt(1_000_000))}
	}
	return &core.Genesis{
		Config: &params.ChainConfig{
			ChainID:                 big.NewInt(ChainID),
			HomesteadBlock:          zero(),
			EIP150Block:             zero(),
			EIP155Block:             zero(),
			EIP158Block:             zero(),
			ByzantiumBlock:          zero(),
			ConstantinopleBlock:     zero(),
			PetersburgBlock:         zero(),
			IstanbulBlock:           zero(),
			MuirGlacierBlock:        zero(),
			BerlinBlock:             zero(),
			LondonBlock:             zero(),
			ArrowGlacierBlock:       zero(),
			GrayGlacierBlock:        zero(),
			MergeNetsplitBlock:      zero(),
			TerminalTotalDifficulty: zero(),
			ShanghaiTime:            timeOf(shanghaiBlock),
			CancunTime:              timeOf(cancunBlock),
			PragueTime:              timeOf(pragueBlock),
			OsakaTime:               timeOf(osakaBlock),
			BPO1Time:                timeOf(bpo1Block),
			BPO2Time:                timeOf(bpo2Block),
			AmsterdamTime:           timeOf(amsterdamBlock),
			BlobScheduleConfig: &params.BlobScheduleConfig{
				Cancun: params.DefaultCancunBlobConfig,
				Prague: params.DefaultPragueBlobConfig,
				BPO1:   params.DefaultBPO1BlobConfig,
				BPO2:   params.DefaultBPO2BlobConfig,
			},
			DepositContractAddress: namedAddress("deposit contract", 0),
		},
		Timestamp:  genesisTime,
		ExtraData:  []byte("rlpxd demonstration chain"),
		GasLimit:   60_000_000,
		Difficulty: zero(),
		BaseFee:    big.NewInt(params.InitialBaseFee),
		Alloc:      alloc,
	}
}
