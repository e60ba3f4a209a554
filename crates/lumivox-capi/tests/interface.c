/* What must hold of the C interface. Exits with 0 if it does. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lumivox.h>

#define CHECK(condition)                                                                              \
    do {                                                                                              \
        if (!(condition)) {                                                                           \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, lumivox_last_error()); \
            exit(1);                                                                                  \
        }                                                                                             \
    } while (0)

static const char *TEXT = "Hello there. The second sentence is a little longer.";

/* FNV-1a of all samples of a speech, and how many there are. */
typedef struct {
    unsigned long long hash;
    size_t n_samples;
} Audio;

static Audio listen(const LumivoxSpeech *speech) {
    Audio audio = {14695981039346656037ULL, 0};
    LumivoxChunk chunk;
    LumivoxStatus status;
    while ((status = lumivox_next(speech, &chunk)) == LUMIVOX_STATUS_OK) {
        for (size_t i = 0; i < chunk.n_samples; i++) {
            unsigned int bits;
            CHECK(fabsf(chunk.samples[i]) <= 1.0f);
            memcpy(&bits, &chunk.samples[i], sizeof bits);
            audio.hash = (audio.hash ^ bits) * 1099511628211ULL;
        }
        audio.n_samples += chunk.n_samples;
    }
    CHECK(status == LUMIVOX_STATUS_END);
    return audio;
}

static Audio say(const LumivoxSynthesizer *model, const char *text, const LumivoxOptions *options) {
    LumivoxSpeech *speech;
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, text, options, false, &speech) == LUMIVOX_STATUS_OK);
    Audio audio = listen(speech);
    lumivox_speech_free(speech);
    return audio;
}

static int same(Audio a, Audio b) { return a.hash == b.hash && a.n_samples == b.n_samples; }

static void wrong_arguments_are_told(const LumivoxSynthesizer *model) {
    LumivoxSpeech *speech = NULL;
    LumivoxSynthesizer *none = NULL;
    LumivoxLoadOptions load = {0, 9, NULL};
    CHECK(lumivox_open(NULL, NULL, &none) == LUMIVOX_STATUS_ARGUMENT && strstr(lumivox_last_error(), "model is null"));
    CHECK(lumivox_open("embedded", &load, &none) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_open("embedded", NULL, NULL) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_open("/nowhere/model.safetensors", NULL, &none) == LUMIVOX_STATUS_MODEL);
    CHECK(strstr(lumivox_last_error(), "/nowhere/model.safetensors") && none == NULL);
    CHECK(lumivox_speak(NULL, LUMIVOX_INPUT_TEXT, TEXT, NULL, false, &speech) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_speak(model, 7, TEXT, NULL, false, &speech) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, "\xff", NULL, false, &speech) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(strstr(lumivox_last_error(), "UTF-8"));
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, "...", NULL, false, &speech) == LUMIVOX_STATUS_REQUEST);
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_SSML, "<speak>", NULL, false, &speech) == LUMIVOX_STATUS_REQUEST);
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, TEXT, NULL, false, NULL) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_next(NULL, NULL) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_write_wav("/nowhere/a.wav", NULL, 0, 22050) == LUMIVOX_STATUS_WRITE);
    CHECK(lumivox_write_wav("a.wav", NULL, 1, 22050) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_write_wav("a.wav", NULL, 0, 0) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_sample_rate_hz(NULL) == 0 && lumivox_voice(NULL, 0) == NULL && lumivox_warning(NULL, 0) == NULL);
    CHECK(lumivox_voice(model, 1000000) == NULL);
    lumivox_synthesizer_free(NULL);
    lumivox_speech_free(NULL);
    lumivox_options_free(NULL);
    lumivox_cancel(NULL);
}

static void nothing_is_lost_where_a_place_is_null(const LumivoxSynthesizer *model) {
    Audio whole = say(model, TEXT, NULL);
    LumivoxSpeech *speech;
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, TEXT, NULL, false, &speech) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_next(speech, NULL) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(same(whole, listen(speech)));
    lumivox_speech_free(speech);
}

static void options_are_heard(const LumivoxSynthesizer *model) {
    Audio plain = say(model, TEXT, NULL);
    LumivoxOptions *options = lumivox_options_new();
    CHECK(same(plain, say(model, TEXT, options)));
    CHECK(lumivox_options_set_seed(options, 7) == LUMIVOX_STATUS_OK);
    CHECK(say(model, TEXT, options).hash != plain.hash);
    CHECK(lumivox_options_set_seed(options, 0) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_options_set_speed(options, 2.0f) == LUMIVOX_STATUS_OK);
    CHECK(say(model, TEXT, options).n_samples < plain.n_samples * 3 / 4);
    CHECK(lumivox_options_set_speed(options, 1.0f) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_options_set_scales(options, 2.0f, -1.0f, -1.0f) == LUMIVOX_STATUS_OK);
    CHECK(say(model, TEXT, options).n_samples > plain.n_samples * 3 / 2);
    CHECK(lumivox_options_set_scales(options, -1.0f, -1.0f, -1.0f) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_options_set_silence(options, 1.0f, -1.0f) == LUMIVOX_STATUS_OK);
    CHECK(say(model, TEXT, options).n_samples >= plain.n_samples + lumivox_sample_rate_hz(model));
    CHECK(lumivox_options_set_language(options, "xx") == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_options_set_language(options, "en-us") == LUMIVOX_STATUS_OK);
    CHECK(lumivox_options_set_lexicon(options, "/nowhere") == LUMIVOX_STATUS_ARGUMENT);
    CHECK(lumivox_options_set_emoji(options, true) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_options_set_espeak(options, false) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_options_set_max_text_bytes(options, 3) == LUMIVOX_STATUS_OK);
    LumivoxSpeech *speech = NULL;
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, TEXT, options, false, &speech) == LUMIVOX_STATUS_REQUEST);
    CHECK(lumivox_options_set_voice(options, "nobody") == LUMIVOX_STATUS_OK);
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, "Hi", options, false, &speech) == LUMIVOX_STATUS_REQUEST);
    CHECK(strstr(lumivox_last_error(), "nobody"));
    lumivox_options_free(options);
}

static void words_have_times_and_what_is_left_out_is_told(const LumivoxSynthesizer *model) {
    const char *text = "One two \xf0\x9f\x8e\x89.";
    LumivoxSpeech *speech;
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, text, NULL, true, &speech) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_warning_count(speech) == 1 && lumivox_warning(speech, 0) && !lumivox_warning(speech, 1));
    double duration_s = (double)listen(speech).n_samples / lumivox_sample_rate_hz(model);
    CHECK(lumivox_word_count(speech) == 2);
    LumivoxWord one, two, none;
    CHECK(lumivox_word(speech, 0, &one) == LUMIVOX_STATUS_OK && lumivox_word(speech, 1, &two) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_word(speech, 2, &none) == LUMIVOX_STATUS_ARGUMENT);
    CHECK(!strcmp(one.text, "One") && !strcmp(two.text, "two"));
    CHECK(one.begin_byte == 0 && one.end_byte == 3 && two.begin_byte == 4 && two.end_byte == 7);
    CHECK(0 <= one.start_s && one.start_s < one.end_s && one.end_s <= two.start_s && two.end_s <= duration_s);
    lumivox_speech_free(speech);
}

static void *cancel(void *speech) {
    lumivox_cancel(speech);
    return NULL;
}

static void speech_can_be_cancelled_by_another_thread(const LumivoxSynthesizer *model) {
    char text[4096] = "";
    while (strlen(text) < 4000)
        strcat(text, "and so on ");
    LumivoxSpeech *speech;
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, text, NULL, true, &speech) == LUMIVOX_STATUS_OK);
    LumivoxChunk chunk;
    CHECK(lumivox_next(speech, &chunk) == LUMIVOX_STATUS_OK);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cancel, speech) == 0);
    LumivoxStatus status;
    while ((status = lumivox_next(speech, &chunk)) == LUMIVOX_STATUS_OK)
        ;
    CHECK(status == LUMIVOX_STATUS_CANCELLED);
    CHECK(lumivox_next(speech, &chunk) == LUMIVOX_STATUS_END);
    pthread_join(thread, NULL);
    lumivox_speech_free(speech);
}

static void *say_in_thread(void *model) {
    Audio *audio = malloc(sizeof *audio);
    CHECK(audio);
    *audio = say(model, TEXT, NULL);
    return audio;
}

static void threads_share_a_model(LumivoxSynthesizer *model) {
    Audio alone = say(model, TEXT, NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, say_in_thread, model) == 0);
    for (int i = 0; i < 4; i++) {
        void *audio;
        pthread_join(threads[i], &audio);
        CHECK(same(alone, *(Audio *)audio));
        free(audio);
    }
}

static void speech_outlives_its_model(void) {
    LumivoxSynthesizer *model;
    LumivoxSpeech *speech;
    LumivoxLoadOptions load = {1, LUMIVOX_PRECISION_F32, "cpu"};
    CHECK(lumivox_open("embedded", &load, &model) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_speak(model, LUMIVOX_INPUT_TEXT, TEXT, NULL, false, &speech) == LUMIVOX_STATUS_OK);
    lumivox_synthesizer_free(model);
    CHECK(listen(speech).n_samples > 10000);
    lumivox_speech_free(speech);
}

int main(void) {
    LumivoxSynthesizer *model;
    CHECK(lumivox_version()[0] != '\0' && lumivox_last_error()[0] == '\0');
    CHECK(lumivox_open("embedded", NULL, &model) == LUMIVOX_STATUS_OK);
    CHECK(lumivox_sample_rate_hz(model) == 22050 && lumivox_model_note(model) == NULL);
    wrong_arguments_are_told(model);
    nothing_is_lost_where_a_place_is_null(model);
    options_are_heard(model);
    words_have_times_and_what_is_left_out_is_told(model);
    speech_can_be_cancelled_by_another_thread(model);
    threads_share_a_model(model);
    lumivox_synthesizer_free(model);
    speech_outlives_its_model();
    return 0;
}
