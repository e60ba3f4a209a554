//! Segments on a GPU: they are decoded whole, several in one pass where they are asked for together.

use lumivox_models::cuda::NoiseSource;

use super::Encoding;
use crate::noise::Stage;

/// Where a stage's noise comes from: the values that the CPU takes, too.
fn noise(seed: u64, stage: Stage, segment: &Encoding) -> NoiseSource {
    NoiseSource { seed, stream: [stage as u32, segment.index] }
}

pub(super) mod kokoro {
    use std::ops::Range;

    use candle_core::Tensor;
    use lumivox_models::cuda::NoiseSource;
    use lumivox_models::cuda::kokoro::{Kokoro, Prosody, Utterance};
    use lumivox_models::{NoProbe, Probe};

    use super::noise;
    use crate::error::Result;
    use crate::model::{self, Encoding};
    use crate::noise::Stage;

    struct OnGpu<'a> {
        graph: &'a Kokoro,
        prosody: Prosody,
        noise: NoiseSource,
    }

    /// Decides how a segment is said in the style `ref_s: (1, 2·style_dim)`.
    pub(crate) fn begin<'a>(
        graph: &'a Kokoro,
        segment: &Encoding,
        ref_s: &Tensor,
        speed: f32,
        seed: u64,
        probe: &mut dyn Probe,
    ) -> Result<Box<dyn model::Utterance + 'a>> {
        let ref_s = ref_s.flatten_all()?.to_vec1()?;
        let prosody = graph.prosody(&[Utterance { ids: segment.ids, ref_s: &ref_s }], speed, probe)?;
        Ok(Box::new(OnGpu { graph, prosody, noise: noise(seed, Stage::SineGen, segment) }))
    }

    /// Samples of several segments, each in its style.
    pub(crate) fn say_all(
        graph: &Kokoro,
        segments: &[Encoding],
        styles: &[Tensor],
        speed: f32,
        seed: u64,
    ) -> Result<Vec<Vec<f32>>> {
        let values = |ref_s: &Tensor| ref_s.flatten_all()?.to_vec1();
        let styles = styles.iter().map(values).collect::<candle_core::Result<Vec<_>>>()?;
        let batch = segments.iter().zip(&styles).map(|(segment, ref_s)| Utterance { ids: segment.ids, ref_s });
        let prosody = graph.prosody(&batch.collect::<Vec<_>>(), speed, &mut NoProbe)?;
        let noise: Vec<_> = segments.iter().map(|segment| noise(seed, Stage::SineGen, segment)).collect();
        Ok(graph.decode(&prosody, &noise, &mut NoProbe)?)
    }

    impl model::Utterance for OnGpu<'_> {
        fn durations(&self) -> &[u32] {
            &self.prosody.pred_dur[0]
        }

        fn is_divisible(&self) -> bool {
            false
        }

        fn decode(&mut self, _: Range<usize>, probe: &mut dyn Probe) -> Result<Vec<f32>> {
            Ok(self.graph.decode(&self.prosody, &[self.noise], probe)?.swap_remove(0))
        }
    }
}

pub(super) mod vits {
    use std::ops::Range;

    use lumivox_models::cuda::NoiseSource;
    use lumivox_models::cuda::vits::{Prosody, Utterance, Vits};
    use lumivox_models::{NoProbe, Probe};

    use super::noise;
    use crate::error::Result;
    use crate::model::vits::Delivery;
    use crate::model::{self, Encoding};
    use crate::noise::Stage;

    struct OnGpu<'a> {
        graph: &'a Vits,
        prosody: Prosody,
        noise: NoiseSource,
        noise_scale: f32,
    }

    /// Decides how segments are said.
    fn prosody(
        graph: &Vits,
        segments: &[Encoding],
        delivery: &Delivery,
        seed: u64,
        probe: &mut dyn Probe,
    ) -> Result<Prosody> {
        let batch = segments.iter().map(|segment| Utterance { ids: segment.ids, speaker: delivery.speaker });
        let noise: Vec<_> = segments.iter().map(|segment| noise(seed, Stage::Durations, segment)).collect();
        let batch: Vec<_> = batch.collect();
        Ok(graph.prosody(&batch, (&noise, delivery.noise_w), delivery.length_scale, probe)?)
    }

    /// Decides how a segment is said.
    pub(crate) fn begin<'a>(
        graph: &'a Vits,
        segment: &Encoding,
        delivery: &Delivery,
        seed: u64,
        probe: &mut dyn Probe,
    ) -> Result<Box<dyn model::Utterance + 'a>> {
        let prosody = prosody(graph, std::slice::from_ref(segment), delivery, seed, probe)?;
        let noise = noise(seed, Stage::Latent, segment);
        Ok(Box::new(OnGpu { graph, prosody, noise, noise_scale: delivery.noise_scale }))
    }

    /// Samples of several segments.
    pub(crate) fn say_all(
        graph: &Vits,
        segments: &[Encoding],
        delivery: &Delivery,
        seed: u64,
    ) -> Result<Vec<Vec<f32>>> {
        let prosody = prosody(graph, segments, delivery, seed, &mut NoProbe)?;
        let noise: Vec<_> = segments.iter().map(|segment| noise(seed, Stage::Latent, segment)).collect();
        Ok(graph.decode(&prosody, (&noise, delivery.noise_scale), &mut NoProbe)?)
    }

    impl model::Utterance for OnGpu<'_> {
        fn durations(&self) -> &[u32] {
            &self.prosody.durations[0]
        }

        /// It could be, but takes a GPU no longer whole than its first piece would.
        fn is_divisible(&self) -> bool {
            false
        }

        fn decode(&mut self, _: Range<usize>, probe: &mut dyn Probe) -> Result<Vec<f32>> {
            Ok(self.graph.decode(&self.prosody, (&[self.noise], self.noise_scale), probe)?.swap_remove(0))
        }
    }
}
