// One picture of a sign in C++ with ONNX Runtime:  ./sign NAME.onnx TEMPERATURE WIDTH HEIGHT < pixels
//
// pixels: HEIGHT * WIDTH * 3 bytes, RGB, cut out around the sign.  Prints the class's number and the confidence.
// NAME_preprocess.c comes with the export.  Build, ONNX Runtime's package lying in $ORT:
//   cc -O2 -ffp-contract=off -c NAME_preprocess.c -o preprocess.o
//   c++ -O2 -std=c++17 -DSIZE=48 -I$ORT/include onnxruntime.cpp preprocess.o -L$ORT/lib -lonnxruntime -o sign
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" int preprocess(const uint8_t *picture, int width, int height, uint8_t *result);

int main(int count, char **given) {
    if (count != 5) return 2;
    const double temperature = std::atof(given[2]);
    const int width = std::atoi(given[3]), height = std::atoi(given[4]);
    std::vector<uint8_t> picture(3 * size_t(width) * height), square(3 * SIZE * SIZE);
    if (std::fread(picture.data(), 1, picture.size(), stdin) != picture.size()) return 2;
    if (!preprocess(picture.data(), width, height, square.data())) return 1;

    Ort::Env env(ORT_LOGGING_LEVEL_ERROR);
    Ort::Session session(env, given[1], Ort::SessionOptions{nullptr});
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::array<int64_t, 4> shape{1, SIZE, SIZE, 3};
    const Ort::Value image =
        Ort::Value::CreateTensor<uint8_t>(memory, square.data(), square.size(), shape.data(), shape.size());
    const char *takes[] = {"images"}, *gives[] = {"logits"};
    const auto answers = session.Run(Ort::RunOptions{nullptr}, takes, &image, 1, gives, 1);

    const float *logits = answers[0].GetTensorData<float>();
    const size_t classes = answers[0].GetTensorTypeAndShapeInfo().GetElementCount();
    const float *most = std::max_element(logits, logits + classes);
    double total = 0;
    for (size_t i = 0; i < classes; i++) total += std::exp((logits[i] - *most) / temperature);
    std::printf("%td %.4f\n", most - logits, 1 / total);
}
