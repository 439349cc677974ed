//! SHA-2 in lanes: each lane of a vector is another candidate. The arithmetic is that of FIPS 180-4 section 6, written once
//! for both word sizes; a module of an instruction set says how its vectors add, rotate and compare.

/// One round; the names of the working variables move by one each time, not their values.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $wk:expr) => {
        let t = add(add($h, $wk), add(big1($e), ch($e, $f, $g)));
        $d = add($d, t);
        $h = add(t, add(big0($a), maj($a, $b, $c)));
    };
}

/// Sixteen rounds; `$wk` is word and constant of round `$i`.
macro_rules! sixteen {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $i:ident => $wk:expr) => {
        sixteen!(@ 0, $a $b $c $d $e $f $g $h, $i => $wk);
        sixteen!(@ 8, $a $b $c $d $e $f $g $h, $i => $wk);
    };
    (@ $n:literal, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $i:ident => $wk:expr) => {
        { const $i: usize = $n; round!($a $b $c $d $e $f $g $h $wk); }
        { const $i: usize = $n + 1; round!($h $a $b $c $d $e $f $g $wk); }
        { const $i: usize = $n + 2; round!($g $h $a $b $c $d $e $f $wk); }
        { const $i: usize = $n + 3; round!($f $g $h $a $b $c $d $e $wk); }
        { const $i: usize = $n + 4; round!($e $f $g $h $a $b $c $d $wk); }
        { const $i: usize = $n + 5; round!($d $e $f $g $h $a $b $c $wk); }
        { const $i: usize = $n + 6; round!($c $d $e $f $g $h $a $b $wk); }
        { const $i: usize = $n + 7; round!($b $c $d $e $f $g $h $a $wk); }
    };
}

/// Key and match over vectors `$vector` of `$lanes` words. The module around it has the functions `add`, `xor`, `splat`,
/// `set`, `equal`, `ch`, `maj`, `big0`, `big1`, `small0` and `small1`.
macro_rules! lanes {
    ($feature:literal, $vector:ty, $word:ty, $lanes:literal, $rounds:literal, $k:ident) => {
        /// Candidates at a time.
        pub(in super::super) const LANES: usize = $lanes;

        /// The states that HMAC has after its key (RFC 2104 section 4).
        #[derive(Clone, Copy)]
        pub(in super::super) struct State {
            inner: [$vector; 8],
            outer: [$vector; 8],
        }

        /// The states of keys, given as the words of their blocks; `iv` is that of the hash.
        #[target_feature(enable = $feature)]
        pub(in super::super) fn key(blocks: &[[$word; 16]; $lanes], iv: &[$word; 8]) -> State {
            let (mut inner, mut outer) = ([splat(0); 16], [splat(0); 16]);
            let inner_pad = splat(<$word>::from_ne_bytes([0x36; size_of::<$word>()]));
            let outer_pad = splat(<$word>::from_ne_bytes([0x5c; size_of::<$word>()]));
            for (i, (inner, outer)) in inner.iter_mut().zip(&mut outer).enumerate() {
                let mut lane = [0; $lanes];
                for (word, block) in lane.iter_mut().zip(blocks) {
                    *word = block[i];
                }
                let words = set(&lane);
                (*inner, *outer) = (xor(words, inner_pad), xor(words, outer_pad));
            }
            let mut start = [splat(0); 8];
            for (vector, word) in start.iter_mut().zip(iv) {
                *vector = splat(*word);
            }
            State { inner: compress(start, inner), outer: compress(start, outer) }
        }

        /// A bit for each lane whose HMAC over a text begins with the word `wanted`. `digest` is the words of the
        /// hash's result.
        #[target_feature(enable = $feature)]
        pub(in super::super) fn matches(
            state: &State,
            schedule: &[[$word; $rounds]],
            digest: usize,
            wanted: $word,
        ) -> u32 {
            let mut inner = state.inner;
            for block in schedule {
                inner = absorb(inner, block);
            }
            // The result of the inner hash, padded to a block (FIPS 180-4 section 5.1).
            let mut w = [splat(0); 16];
            for (to, from) in w.iter_mut().zip(&inner).take(digest) {
                *to = *from;
            }
            let bytes = 16 * size_of::<$word>() + digest * size_of::<$word>();
            w[digest] = splat(1 << (<$word>::BITS - 1));
            w[15] = splat(8 * bytes as $word);
            equal(compress(state.outer, w)[0], splat(wanted))
        }

        /// A block whose words differ from lane to lane.
        #[target_feature(enable = $feature)]
        #[inline]
        fn compress(state: [$vector; 8], block: [$vector; 16]) -> [$vector; 8] {
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
            let mut w = block;
            for (n, k) in $k.as_chunks::<16>().0.iter().enumerate() {
                if n > 0 {
                    extend!(w 0 1 9 14, 1 2 10 15, 2 3 11 0, 3 4 12 1, 4 5 13 2, 5 6 14 3, 6 7 15 4, 7 8 0 5,
                            8 9 1 6, 9 10 2 7, 10 11 3 8, 11 12 4 9, 12 13 5 10, 13 14 6 11, 14 15 7 12, 15 0 8 13);
                }
                sixteen!(a b c d e f g h, I => add(w[I], splat(k[I])));
            }
            sum(state, [a, b, c, d, e, f, g, h])
        }

        /// A block that all lanes have in common.
        #[target_feature(enable = $feature)]
        #[inline]
        fn absorb(state: [$vector; 8], schedule: &[$word; $rounds]) -> [$vector; 8] {
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
            for wk in schedule.as_chunks::<16>().0 {
                sixteen!(a b c d e f g h, I => splat(wk[I]));
            }
            sum(state, [a, b, c, d, e, f, g, h])
        }

        #[target_feature(enable = $feature)]
        #[inline]
        fn sum(mut state: [$vector; 8], more: [$vector; 8]) -> [$vector; 8] {
            for (to, from) in state.iter_mut().zip(more) {
                *to = add(*to, from);
            }
            state
        }
    };
}

/// The next sixteen words of the message schedule.
macro_rules! extend {
    ($w:ident $($to:literal $near:literal $middle:literal $far:literal),*) => {
        $($w[$to] = add(add($w[$to], small0($w[$near])), add($w[$middle], small1($w[$far])));)*
    };
}

pub(super) use {extend, lanes, round, sixteen};
