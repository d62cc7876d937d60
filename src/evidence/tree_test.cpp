// SPDX-License-Identifier: Apache-2.0
// The oracle is the text of RFC 6962 section 2.1 as naive recursion over lists of entries, with its
// own call of SHA-256.
#include "evidence/tree.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "base/file.hpp"

namespace spoor::evidence {
namespace {

using Entries = std::span<const std::string>;

Hash OracleSha256(const std::string& input) {
  Hash hash;
  SHA256(reinterpret_cast<const unsigned char*>(input.data()), input.size(), hash.data());
  return hash;
}

Hash OracleNode(const Hash& left, const Hash& right) {
  std::string input(1, '\x01');
  input.append(left.begin(), left.end());
  input.append(right.begin(), right.end());
  return OracleSha256(input);
}

std::size_t LargestPowerOfTwoBelow(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

Hash OracleRoot(Entries d) {
  if (d.empty()) return OracleSha256("");
  if (d.size() == 1) return OracleSha256(std::string(1, '\0') + d[0]);
  const std::size_t k = LargestPowerOfTwoBelow(d.size());
  return OracleNode(OracleRoot(d.first(k)), OracleRoot(d.subspan(k)));
}

std::vector<Hash> OraclePath(std::size_t m, Entries d) {
  if (d.size() == 1) return {};
  const std::size_t k = LargestPowerOfTwoBelow(d.size());
  std::vector<Hash> path = m < k ? OraclePath(m, d.first(k)) : OraclePath(m - k, d.subspan(k));
  path.push_back(m < k ? OracleRoot(d.subspan(k)) : OracleRoot(d.first(k)));
  return path;
}

std::vector<Hash> OracleSubproof(std::size_t m, Entries d, bool whole) {
  if (m == d.size()) return whole ? std::vector<Hash>{} : std::vector<Hash>{OracleRoot(d)};
  const std::size_t k = LargestPowerOfTwoBelow(d.size());
  if (m <= k) {
    std::vector<Hash> proof = OracleSubproof(m, d.first(k), whole);
    proof.push_back(OracleRoot(d.subspan(k)));
    return proof;
  }
  std::vector<Hash> proof = OracleSubproof(m - k, d.subspan(k), false);
  proof.push_back(OracleRoot(d.first(k)));
  return proof;
}

std::vector<std::string> MakeEntries(std::size_t count) {
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(fmt::format("entry {}", i));
  return entries;
}

NodeReader NodesOf(const std::vector<std::string>& entries) {
  return [&entries](unsigned level, std::uint64_t index) -> Result<Hash> {
    EXPECT_LE((index + 1) << level, entries.size());
    return OracleRoot(Entries(entries).subspan(index << level, std::size_t{1} << level));
  };
}

TEST(Tree, HasTheRootsOfRfc6962) {
  const auto entries = MakeEntries(600);
  TreeHasher hasher;
  CompactTree tree;
  std::vector<std::vector<Hash>> tiles(3);
  for (std::size_t size = 0; size <= entries.size(); ++size) {
    if (size % 7 == 0 || size > 508) {
      EXPECT_EQ(tree.Root(hasher), OracleRoot(Entries(entries).first(size))) << size;
    }
    if (size == entries.size()) break;
    tree.Append(hasher.Leaf(AsBytes(entries[size])), hasher,
                [&](unsigned level, const Hash& hash) { tiles[level].push_back(hash); });
  }
  ASSERT_EQ(tiles[0].size(), 600U);
  ASSERT_EQ(tiles[1].size(), 2U);
  EXPECT_EQ(tiles[1][1], OracleRoot(Entries(entries).subspan(256, 256)));
}

TEST(Tree, ContinuesFromItsIncompleteTiles) {
  const auto entries = MakeEntries(600);
  TreeHasher hasher;
  for (const std::size_t size : {0U, 1U, 3U, 255U, 256U, 257U, 512U, 599U}) {
    std::vector<std::vector<Hash>> edges(kTileLevelsMax);
    for (std::size_t i = size / 256 * 256; i < size; ++i) {
      edges[0].push_back(hasher.Leaf(AsBytes(entries[i])));
    }
    for (std::size_t i = 0; i < size / 256; ++i) {
      edges[1].push_back(OracleRoot(Entries(entries).subspan(i * 256, 256)));
    }
    CompactTree tree(size, edges, hasher);
    EXPECT_EQ(tree.Root(hasher), OracleRoot(Entries(entries).first(size))) << size;
    tree.Append(hasher.Leaf(AsBytes(entries[size])), hasher, [](unsigned, const Hash&) {});
    EXPECT_EQ(tree.Root(hasher), OracleRoot(Entries(entries).first(size + 1))) << size;
  }
}

TEST(Tree, ProvesInclusionAsRfc6962Does) {
  const auto entries = MakeEntries(70);
  const NodeReader nodes = NodesOf(entries);
  for (std::size_t size = 1; size <= entries.size(); ++size) {
    const Hash root = OracleRoot(Entries(entries).first(size));
    for (std::size_t index = 0; index < size; ++index) {
      const auto proof = ProveInclusion(index, size, nodes);
      ASSERT_TRUE(proof);
      EXPECT_EQ(*proof, OraclePath(index, Entries(entries).first(size))) << index << "/" << size;
      const Hash leaf = OracleRoot(Entries(entries).subspan(index, 1));
      EXPECT_TRUE(VerifyInclusion(leaf, index, size, *proof, root)) << index << "/" << size;
    }
  }
  EXPECT_FALSE(ProveInclusion(5, 5, nodes));
}

TEST(Tree, RefusesWrongInclusionProofs) {
  const auto entries = MakeEntries(23);
  const NodeReader nodes = NodesOf(entries);
  const Hash root = OracleRoot(entries);
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const Hash leaf = OracleRoot(Entries(entries).subspan(index, 1));
    const std::vector<Hash> proof = *ProveInclusion(index, entries.size(), nodes);
    for (std::size_t other = 0; other < entries.size() + 2; ++other) {
      if (other == index) continue;
      EXPECT_FALSE(VerifyInclusion(leaf, other, entries.size(), proof, root));
    }
    for (std::size_t i = 0; i < proof.size(); ++i) {
      std::vector<Hash> wrong = proof;
      wrong[i][31] ^= 1;
      EXPECT_FALSE(VerifyInclusion(leaf, index, entries.size(), wrong, root));
      wrong = proof;
      wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(VerifyInclusion(leaf, index, entries.size(), wrong, root));
      wrong = proof;
      wrong.insert(wrong.begin() + static_cast<std::ptrdiff_t>(i), proof[i]);
      EXPECT_FALSE(VerifyInclusion(leaf, index, entries.size(), wrong, root));
    }
  }
}

TEST(Tree, ProvesConsistencyAsRfc6962Does) {
  const auto entries = MakeEntries(40);
  const NodeReader nodes = NodesOf(entries);
  for (std::size_t size = 0; size <= entries.size(); ++size) {
    for (std::size_t old_size = 0; old_size <= size; ++old_size) {
      const auto proof = ProveConsistency(old_size, size, nodes);
      ASSERT_TRUE(proof);
      if (old_size > 0) {
        EXPECT_EQ(*proof, OracleSubproof(old_size, Entries(entries).first(size), true));
      }
      TreeGrowth growth{.old_size = old_size,
                        .old_root = OracleRoot(Entries(entries).first(old_size)),
                        .size = size,
                        .root = OracleRoot(Entries(entries).first(size))};
      EXPECT_TRUE(VerifyConsistency(growth, *proof)) << old_size << "/" << size;
      growth.old_root[0] ^= 1;
      EXPECT_FALSE(VerifyConsistency(growth, *proof)) << old_size << "/" << size;
    }
  }
  EXPECT_FALSE(ProveConsistency(6, 5, nodes));
}

TEST(Tree, RefusesWrongConsistencyProofs) {
  const auto entries = MakeEntries(40);
  const NodeReader nodes = NodesOf(entries);
  for (std::size_t old_size = 1; old_size < 40; ++old_size) {
    const TreeGrowth growth{.old_size = old_size,
                            .old_root = OracleRoot(Entries(entries).first(old_size)),
                            .size = 40,
                            .root = OracleRoot(entries)};
    const std::vector<Hash> proof = *ProveConsistency(old_size, 40, nodes);
    EXPECT_FALSE(VerifyConsistency(growth, {}));
    for (std::size_t i = 0; i < proof.size(); ++i) {
      std::vector<Hash> wrong = proof;
      wrong[i][0] ^= 0x80;
      EXPECT_FALSE(VerifyConsistency(growth, wrong)) << old_size << " hash " << i;
    }
    std::vector<Hash> longer = proof;
    longer.push_back(Hash{});
    EXPECT_FALSE(VerifyConsistency(growth, longer));
  }
}

TEST(Tree, KeepsProofsBelowThreeKilobytes) {
  // The longest audit path of a tree of 2^40 entries: 40 hashes.
  const NodeReader zero = [](unsigned, std::uint64_t) -> Result<Hash> { return Hash{}; };
  const auto proof = ProveInclusion(12345, std::uint64_t{1} << 40, zero);
  ASSERT_TRUE(proof);
  EXPECT_LE(proof->size() * sizeof(Hash), 3000U);
}

TEST(Tree, ARangeAndItsProofLeadToTheRoot) {
  TreeHasher hasher;
  for (std::size_t size = 1; size <= 21; ++size) {
    const std::vector<std::string> entries = MakeEntries(size);
    const Hash root = OracleRoot(entries);
    for (std::size_t begin = 0; begin < size; ++begin) {
      for (std::size_t end = begin + 1; end <= size; ++end) {
        const auto proof = ProveRange({begin, end}, size, NodesOf(entries));
        ASSERT_TRUE(proof) << proof.error().message;
        std::size_t next = begin;
        const auto leaf = [&]() -> Result<Hash> {
          return OracleRoot(Entries(entries).subspan(next++, 1));
        };
        const auto computed = RootOfRange({begin, end}, size, *proof, leaf);
        ASSERT_TRUE(computed) << computed.error().message;
        EXPECT_EQ(*computed, root);
        EXPECT_EQ(next, end);
        if (proof->empty()) continue;
        next = begin;
        EXPECT_FALSE(RootOfRange({begin, end}, size, std::span(*proof).subspan(1), leaf));
      }
    }
  }
}

TEST(Tree, AProofOfOneEntryHasAtMost3KiB) {
  // Only the number of hashes matters here, so every node may be the same.
  const NodeReader node = [](unsigned, std::uint64_t) -> Result<Hash> { return Hash{}; };
  for (const std::uint64_t size :
       {std::uint64_t{1} << 20, std::uint64_t{98765432109}, UINT64_MAX}) {
    for (const std::uint64_t index : {std::uint64_t{0}, size / 3, size / 2, size - 2, size - 1}) {
      const auto proof = ProveRange({index, index + 1}, size, node);
      ASSERT_TRUE(proof);
      EXPECT_LE(proof->size() * sizeof(Hash), 3U << 10) << index << " of " << size;
    }
    // The longest: an incomplete tree, and a range with a hash on both sides of each level.
    const auto proof = ProveRange({size / 2 - 1, size / 2 + 1}, size, node);
    ASSERT_TRUE(proof);
    EXPECT_LE(proof->size() * sizeof(Hash), 2 * (3U << 10));
  }
}

}  // namespace
}  // namespace spoor::evidence
