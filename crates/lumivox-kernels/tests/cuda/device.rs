//! Memory, transfers and recordings of a device.

use std::sync::Mutex;

use candle_core::Result;
use lumivox_kernels::Conv1dConfig;
use lumivox_kernels::cuda::{Conv1d, Copies, Dtype, Epilogue, Prologue, Signal, device_under_test};

use crate::support::{flat, values};
use crate::tensor;

#[test]
fn transfers_and_launches_are_counted() {
    let device = device_under_test().unwrap();
    assert_eq!(device.copies(), Copies::default());
    let buffer = device.upload(&[1f32, 2.0, 3.0]).unwrap();
    assert_eq!(device.download::<f32>(&buffer, 3).unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!(device.copies(), Copies { to_device: 1, to_host: 1, launches: 0 });
    assert!(device.upload_into(&buffer, &[0f32; 1000]).is_err() && device.download::<f32>(&buffer, 1000).is_err());
}

/// A recording gives what running gives, each time from what its inputs hold then, in memory that nobody else gets.
#[test]
fn recordings_are_run_again() {
    let device = device_under_test().unwrap();
    let weight = tensor(&values(4 * 4 * 3, 1), (4, 4, 3));
    let conv = Conv1d::new(&device, Dtype::F32, &weight, None, Conv1dConfig::same(3, 1)).unwrap();
    let twice = |x: &Signal| -> Result<Signal> {
        let y = conv.fused(x, Prologue::default(), Epilogue::default())?;
        conv.fused(&y, Prologue::default(), Epilogue::default())
    };
    let inputs: Vec<Vec<f32>> = (2..5).map(|seed| values(4 * 50, seed)).collect();
    let x = Signal::from_tensor(&device, Dtype::F32, &tensor(&inputs[0], (1, 4, 50))).unwrap();
    let recorded = device.record(|| twice(&x)).unwrap();
    for input in &inputs {
        let other = Signal::from_tensor(&device, Dtype::F32, &tensor(input, (1, 4, 50))).unwrap();
        let want = twice(&other).unwrap().to_tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        x.write(input).unwrap();
        recorded.replay().unwrap();
        // Memory that is given out now is not the recording's.
        let scribbled: Vec<_> = (0..8).map(|_| device.upload(&[f32::NAN; 200]).unwrap()).collect();
        let got = recorded.output.to_tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(got, want);
        drop(scribbled);
    }
    assert!(device.record(|| x.to_tensor()).is_err(), "a copy can't be recorded");
    assert!(device.record(|| x.to_tensor()).is_err(), "and does not leave the device recording");
    assert!(twice(&x).unwrap().to_tensor().is_ok());
}

/// What other threads do meanwhile is not recorded, and does not get the recording's memory.
#[test]
fn other_threads_wait_for_a_recording() {
    let device = device_under_test().unwrap();
    let weight = tensor(&values(4 * 4 * 3, 1), (4, 4, 3));
    let conv = Conv1d::new(&device, Dtype::F32, &weight, None, Conv1dConfig::same(3, 1)).unwrap();
    let signal = |seed| Signal::from_tensor(&device, Dtype::F32, &tensor(&values(4 * 50, seed), (1, 4, 50))).unwrap();
    let run = |x: &Signal| conv.fused(x, Prologue::default(), Epilogue::default());
    let (x, other) = (signal(2), signal(3));
    let want = flat(&run(&other).unwrap().to_tensor().unwrap());
    std::thread::scope(|scope| {
        let busy = Mutex::new(None);
        let recorded = device.record(|| {
            busy.lock()
                .unwrap()
                .get_or_insert_with(|| scope.spawn(|| flat(&run(&other).unwrap().to_tensor().unwrap())));
            std::thread::sleep(std::time::Duration::from_millis(50));
            run(&x)
        });
        assert_eq!(busy.into_inner().unwrap().unwrap().join().unwrap(), want);
        let before = device.copies().launches;
        recorded.unwrap().replay().unwrap();
        assert_eq!(device.copies().launches, before + 1);
    });
}
