/* cc speak.c -I ../include -L FOLDER -llumivox_capi -o speak, FOLDER being the one that liblumivox_capi.so is in.
 * ./speak MODEL TEXT OUT.wav: MODEL is `embedded`, a name such as `kokoro`, or a model file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lumivox.h>

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, lumivox_last_error());
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL TEXT OUT.wav\n", argv[0]);
        return 2;
    }
    LumivoxSynthesizer *model;
    if (lumivox_open(argv[1], NULL, &model) != LUMIVOX_STATUS_OK)
        return failed("the model");
    LumivoxSpeech *speech;
    if (lumivox_speak(model, LUMIVOX_INPUT_TEXT, argv[2], NULL, false, &speech) != LUMIVOX_STATUS_OK)
        return failed("the text");
    for (size_t i = 0; i < lumivox_warning_count(speech); i++)
        fprintf(stderr, "warning: %s\n", lumivox_warning(speech, i));

    float *samples = NULL;
    size_t n_samples = 0;
    LumivoxChunk chunk;
    LumivoxStatus status;
    while ((status = lumivox_next(speech, &chunk)) == LUMIVOX_STATUS_OK) {
        float *more = realloc(samples, (n_samples + chunk.n_samples) * sizeof *samples);
        if (!more) {
            perror("memory");
            return 1;
        }
        samples = more;
        memcpy(samples + n_samples, chunk.samples, chunk.n_samples * sizeof *samples);
        n_samples += chunk.n_samples;
    }
    if (status != LUMIVOX_STATUS_END)
        return failed("the speech");
    if (lumivox_write_wav(argv[3], samples, n_samples, lumivox_sample_rate_hz(model)) != LUMIVOX_STATUS_OK)
        return failed(argv[3]);

    for (size_t i = 0; i < lumivox_word_count(speech); i++) {
        LumivoxWord word;
        if (lumivox_word(speech, i, &word) != LUMIVOX_STATUS_OK)
            return failed("a word");
        printf("%7.3f %7.3f %s\n", word.start_s, word.end_s, word.text);
    }
    free(samples);
    lumivox_speech_free(speech);
    lumivox_synthesizer_free(model);
    return 0;
}
